package past

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/url"
	"time"

	"github.com/presenced/presence/clientctl/api"
	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/refresh"
	"github.com/presenced/presence/events"
)

// DefaultSilence is how long nothing may come from a server that is followed: it says at
// least every 15 s how far it is.
const DefaultSilence = 45 * time.Second

// errSilent is the cause when nothing has come for too long.
var errSilent = errors.New("silent")

// Follower follows the log from a cursor on, also over the ends of its servers.
type Follower struct {
	After string                   // the cursor to begin after
	Event func(events.Event) error // called with each event; an error ends it

	// Lost is told that the stream has ended, and returns how long to wait until the next
	// try; n is how many have been in vain since it last worked.
	Lost func(err error, n int) time.Duration
	Back func() // the stream goes on

	Silence time.Duration // how long nothing may come; default DefaultSilence
}

// Follow calls f.Event with each event after the cursor, and then with those that are
// appended, each once, until ctx ends. The first try has to work; afterwards a stream that
// ends is asked for again. It returns the cursor after what was surely told.
func Follow(ctx context.Context, c *api.Client, f Follower) (string, error) {
	s := &stream{Follower: f, told: make(map[events.Position]bool), before: make(map[events.Position]bool)}
	for vain, worked := 0, false; ; vain++ {
		err := s.once(ctx, c)
		if s.works {
			vain, worked = 0, true
		}
		switch {
		case ctx.Err() != nil:
			return s.After, fault.ErrInterrupted
		case s.stopped != nil:
			return s.After, s.stopped
		case !worked || !again(err):
			return s.After, err
		}
		if !refresh.Pause(ctx, f.Lost(err, vain)) {
			return s.After, fault.ErrInterrupted
		}
	}
}

// again reports whether the next try may end otherwise.
func again(err error) bool {
	return fault.KindOf(err) == fault.Unreachable || api.Temporary(err)
}

// stream is what is known of the log that is followed.
type stream struct {
	Follower
	told    map[events.Position]bool // since the cursor moved last: if the stream ends now they come again
	before  map[events.Position]bool // told before it ended, and not come again yet
	works   bool                     // something has come in this try
	lost    bool                     // Back is to be told
	stopped error                    // of Event
}

// once follows until the stream ends, and returns why it did.
func (s *stream) once(ctx context.Context, c *api.Client) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	silence := cmp.Or(s.Silence, DefaultSilence)
	watchdog := time.AfterFunc(math.MaxInt64, func() { stop(errSilent) }) // until the first line; that one the API's client awaits
	defer watchdog.Stop()
	s.works = false
	err := c.Lines(ctx, url.Values{"after": {s.After}, "follow": {"true"}}, func(line []byte) error {
		watchdog.Reset(silence)
		s.came()
		return s.line(line)
	}, "events")
	s.lost = true
	maps.Copy(s.before, s.told)
	clear(s.told)
	if errors.Is(context.Cause(ctx), errSilent) {
		return fault.Errorf(fault.Unreachable, "nothing has come from the server for %s", silence)
	}
	return err
}

// came notes that the stream works.
func (s *stream) came() {
	if s.lost {
		s.Back()
	}
	s.works, s.lost = true, false
}

func (s *stream) line(line []byte) error {
	var mark struct {
		Cursor *string `json:"cursor"`
	}
	if err := json.Unmarshal(line, &mark); err != nil {
		return fault.Errorf(fault.Failed, "a line of the stream cannot be read: %w", err)
	}
	if mark.Cursor != nil {
		s.After = *mark.Cursor
		clear(s.told)
		return nil
	}
	var e events.Event
	if err := json.Unmarshal(line, &e); err != nil {
		return fault.Errorf(fault.Failed, "a line of the stream cannot be read: %w", err)
	}
	s.told[e.ID] = true
	if s.before[e.ID] {
		delete(s.before, e.ID)
		return nil
	}
	s.stopped = s.Event(e)
	return s.stopped
}
