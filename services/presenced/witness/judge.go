package witness

import (
	"fmt"
	"time"

	"github.com/presenced/presence/events"
)

// unsure is how far apart two things must be for their order to be known to clients:
// a node may queue the event of a connection a little after its client has the 101.
const unsure = time.Second

// Contradictions compares the log, all events of all streams in order, with what
// clients saw, at a moment when nothing waits to be recorded. lossless says that no
// node has died, so that every connection that was upgraded must be in the log.
//
// Each welcome is a connected event, of that user and of no other client; each
// connection that has ended has exactly one disconnected event, and one that lives has
// none; a connection that was welcomed again resumes the one before; there are no more
// connected events than connections; and connections that clients made one after the
// other stand in this order in the log.
func Contradictions(log []events.Event, seen []Sighting, lossless bool) []string {
	l := index(log)
	for i := range seen {
		l.check(&seen[i])
	}
	l.checkCounts(seen, lossless)
	l.checkOrder(seen)
	return l.wrong
}

// facts is a log, to be asked.
type facts struct {
	connected map[string]events.Event // by id
	ended     map[string]int          // disconnected events, by the connection's id
	first     map[visits]int          // connected events, those that resume another left out
	claimed   map[string]bool         // ids that a client was welcomed with
	wrong     []string
}

// visits are the connections of a user in one stream.
type visits struct {
	user   string
	stream events.Stream
}

func index(log []events.Event) *facts {
	f := &facts{
		connected: make(map[string]events.Event), ended: make(map[string]int),
		first: make(map[visits]int), claimed: make(map[string]bool),
	}
	for _, e := range log {
		switch e.Type {
		case events.Connected:
			f.connected[e.ID.String()] = e
			if e.Resumes.IsZero() {
				f.first[visits{e.User, e.ID.Stream}]++
			}
		case events.Disconnected:
			f.ended[e.Conn.String()]++
		case events.Opened, events.Sealed:
		}
	}
	return f
}

func (f *facts) complain(format string, args ...any) {
	f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
}

// check holds one client's welcomes against the log.
func (f *facts) check(s *Sighting) {
	for i, w := range s.Welcomes {
		e, logged := f.connected[w.ID]
		switch {
		case !logged:
			f.complain("user %q was welcomed as %s, which the log does not have", s.User, w.ID)
			continue
		case e.User != s.User:
			f.complain("user %q was welcomed as %s, which is of user %q", s.User, w.ID, e.User)
		case f.claimed[w.ID]:
			f.complain("%s was given to two clients", w.ID)
		case i > 0 && e.Resumes.String() != s.Welcomes[i-1].ID:
			f.complain("%s resumes %q, and its client was %s before", w.ID, e.Resumes, s.Welcomes[i-1].ID)
		}
		f.claimed[w.ID] = true
		want := 1
		if i == len(s.Welcomes)-1 && s.Gone().IsZero() {
			want = 0
		}
		if got := f.ended[w.ID]; got != want {
			f.complain("%s of user %q has %d disconnected events, want %d", w.ID, s.User, got, want)
		}
	}
}

// checkCounts holds that no connection is in a stream twice, and, if lossless, that
// each one is in the log. The rest of a user's connected events is of connections that
// went before their welcome came, or of attempts that the client gave up.
func (f *facts) checkCounts(seen []Sighting, lossless bool) {
	type pair struct{ user, node string }
	attempts, upgraded, logged := make(map[pair]int), make(map[pair]int), make(map[pair]int)
	for i := range seen {
		s := &seen[i]
		attempts[pair{s.User, s.Node}]++
		if !s.Upgraded.IsZero() {
			upgraded[pair{s.User, s.Node}]++
		}
	}
	for v, n := range f.first {
		p := pair{v.user, v.stream.Node}
		logged[p] += n
		if n > attempts[p] {
			f.complain("user %q has %d connected events in %s, and came %d times", v.user, n, v.stream, attempts[p])
		}
	}
	for p, n := range upgraded {
		if lossless && logged[p] < n {
			f.complain("user %q has %d connected events of node %s, and was let in %d times", p.user, logged[p], p.node, n)
		}
	}
}

// checkOrder holds that of two connections in one stream the one that surely came
// first stands first.
func (f *facts) checkOrder(seen []Sighting) {
	for i := range seen {
		for j := range seen {
			a, b := &seen[i], &seen[j]
			if len(a.Welcomes) == 0 || len(b.Welcomes) == 0 || b.Dialled.Sub(a.Upgraded) < unsure {
				continue
			}
			first, then := f.connected[a.Welcomes[0].ID].ID, f.connected[b.Welcomes[0].ID].ID
			if first.Stream == then.Stream && first.Seq > then.Seq {
				f.complain("%s stands before %s, and was connected after it", then, first)
			}
		}
	}
}
