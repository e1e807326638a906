package presence

import (
	"maps"
	"slices"

	"github.com/presenced/presence/events"
)

// brokenSet collects the streams that an answer had to do without, since their events
// make no sense.
type brokenSet map[events.Stream]bool

// meet takes note of a stream if err says that it is broken. It returns what else err is.
func (b brokenSet) meet(s events.Stream, err error) error {
	if err == nil || !senseless(err) {
		return err
	}
	b[s] = true
	return nil
}

// list are those streams, ascending as text; nil if there are none.
func (b brokenSet) list() []events.Stream {
	return slices.SortedFunc(maps.Keys(b), events.Stream.Compare)
}
