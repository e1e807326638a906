package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// storeCases are about the contracts together.
var storeCases = []testCase{
	{"online_is_the_fold_of_any_recorded_runs", recordsAreFolded},
	{"one_writer_for_each_stream_and_many_readers", concurrentUse},
	{"many_tries_at_one_position_have_one_winner", oneWinner},
}

// recordsAreFolded records random streams in random runs, some of them more than
// once or after an earlier try of which a part was written, and compares online with
// a model that knows only who came and who left (I6).
func recordsAreFolded(t *testing.T, s presence.Store) {
	lives := uint32(0)
	rapid.Check(t, func(rt *rapid.T) {
		lives++ // a stream of its own for each check, for the store is not emptied
		m := &model{script: newScript("n1", lives), open: make(map[string]events.Event)}
		mustRecord(rt, s.Recorder, []events.Event{m.script.opened()})
		for range rapid.IntRange(1, 6).Draw(rt, "runs") {
			run := m.run(rt)
			written := rapid.IntRange(0, len(run)).Draw(rt, "written before")
			mustAppend(rt, s.Log, run[:written])
			for range rapid.IntRange(1, 2).Draw(rt, "tries") {
				mustRecord(rt, s.Recorder, run)
			}
			mustShow(rt, s.Online, m.script.stream, m.connections())
		}
		mustFind(rt, s.Online, presence.UserQuery{Users: m.names(), Limit: presence.MaxUserPage}, m.users())
		must(rt, s.Online.DropStream(rt.Context(), m.script.stream))
	})
}

// model is who is online in one stream: each user once at most.
type model struct {
	script *script
	open   map[string]events.Event
}

// run is the next events of the stream: some users come, if they are away, or leave.
func (m *model) run(rt *rapid.T) (run []events.Event) {
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, 9), 1, 40).Draw(rt, "users") {
		user := hostile[i]
		if c, online := m.open[user]; online {
			run = append(run, m.script.disconnected(c, events.Client))
			delete(m.open, user)
		} else {
			c := m.script.connected(user)
			run = append(run, c)
			m.open[user] = c
		}
	}
	return run
}

func (m *model) connections() []presence.Connection {
	var all []presence.Connection
	for _, e := range m.open {
		all = append(all, presence.ConnectionOf(e))
	}
	slices.SortFunc(all, func(a, b presence.Connection) int { return bySeq(a.ID, b.ID) })
	return all
}

func (m *model) names() []string {
	names := []string{}
	for user := range m.open {
		names = append(names, user)
	}
	return names
}

func (m *model) users() (all []presence.User) {
	for _, e := range m.open {
		all = append(all, presence.User{User: e.User, Since: e.At, Connections: 1, Nodes: []string{e.ID.Node}})
	}
	slices.SortFunc(all, func(a, b presence.User) int { return strings.Compare(a.User, b.User) })
	return all
}

// concurrentUse has a writer for each of several streams, and readers of all of
// them. A writer reads its own writes at once; a reader sees a stream that is dense
// and only grows.
func concurrentUse(t *testing.T, s presence.Store) {
	const writers, readers, rounds, size = 4, 4, 8, 20
	var writing, reading sync.WaitGroup
	var done atomic.Bool
	for w := range writers {
		writing.Go(func() {
			if err := write(t, s, fmt.Sprint("n", w), rounds, size); err != nil {
				t.Error(err)
			}
		})
	}
	for r := range readers {
		reading.Go(func() {
			var last int
			for !done.Load() {
				n, err := read(t, s, fmt.Sprint("n", r%writers))
				if err != nil || n < last {
					t.Errorf("reader %d: %d events after %d, error %v", r, n, last, err)
					return
				}
				last = n
			}
		})
	}
	writing.Wait()
	done.Store(true)
	reading.Wait()
	mustTotal(t, s.Online, writers*rounds*size/2)
}

// write records runs of which every other connection leaves again.
func write(t *testing.T, s presence.Store, node string, rounds, size int) error {
	w := newScript(node, 1)
	if _, err := s.Recorder.Record(t.Context(), []events.Event{w.opened()}); err != nil {
		return err
	}
	n := presence.Node{Stream: w.stream, Beat: 1, Tail: w.stream.At(0), StartedAt: began}
	if err := s.Nodes.Join(t.Context(), n); err != nil {
		return err
	}
	var want []presence.Connection
	for range rounds {
		var come, gone []events.Event
		for i := range size {
			come = append(come, w.connected(fmt.Sprint("u", i)))
		}
		for i := 0; i < size; i += 2 {
			gone = append(gone, w.disconnected(come[i], events.Client))
			want = append(want, presence.ConnectionOf(come[i+1]))
		}
		for _, run := range [][]events.Event{come, gone} {
			if _, err := s.Recorder.Record(t.Context(), run); err != nil {
				return err
			}
			tail, err := s.Log.Tail(t.Context(), w.stream)
			if err != nil || tail != run[len(run)-1] {
				return fmt.Errorf("tail %+v, %w, after %s was recorded", tail, err, run[len(run)-1].ID)
			}
		}
		got, err := s.Online.OfStream(t.Context(), w.stream.At(0), enough)
		if err != nil || !slices.Equal(got, want) {
			return fmt.Errorf("%s: %d connections, want %d: %w", w.stream, len(got), len(want), err)
		}
		n.Beat++
		if err := s.Nodes.Beat(t.Context(), n, n.Beat-1); err != nil {
			return err
		}
	}
	return nil
}

// read is one look at everything, and returns the number of events of the node.
func read(t *testing.T, s presence.Store, node string) (int, error) {
	stream := events.Stream{Node: node, Epoch: 1}
	run, err := s.Log.Read(t.Context(), stream.At(0), enough)
	if err != nil {
		return 0, err
	}
	var fold events.Fold
	for _, e := range run {
		if err := fold.Apply(e); err != nil {
			return 0, err
		}
	}
	page, err := s.Online.Users(t.Context(), presence.UserQuery{Limit: 5})
	if err != nil {
		return 0, err
	}
	if !slices.IsSortedFunc(page.Users, func(a, b presence.User) int { return strings.Compare(a.User, b.User) }) {
		return 0, fmt.Errorf("users out of order: %+v", page.Users)
	}
	if _, err := s.Online.Streams(t.Context()); err != nil {
		return 0, err
	}
	if _, err := s.Nodes.All(t.Context()); err != nil {
		return 0, err
	}
	return len(run), nil
}

// oneWinner has many writers claim the same epoch: the uniqueness of a position is
// the only compare-and-swap there is (I3).
func oneWinner(t *testing.T, s presence.Store) {
	const claimants = 8
	for epoch := uint32(1); epoch <= 5; epoch++ {
		var claims sync.WaitGroup
		won := make([]bool, claimants)
		for i := range claimants {
			claims.Go(func() {
				claim := newScript("n1", epoch).opened()
				claim.Process = fmt.Sprint("process-", i)
				n, err := s.Log.Append(t.Context(), []events.Event{claim})
				won[i] = err == nil && n == 1
			})
		}
		claims.Wait()
		opened, err := s.Log.Highest(t.Context(), "n1")
		must(t, err)
		for i := range won {
			if won[i] != (opened.Process == fmt.Sprint("process-", i)) {
				t.Fatalf("epoch %d is of %s, and claimant %d won: %t", epoch, opened.Process, i, won[i])
			}
		}
	}
}
