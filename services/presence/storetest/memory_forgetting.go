package storetest

import (
	"context"
	"slices"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// memoryForgetting is the presence.Forgetting of a Memory. What others have been given is
// never changed: streams and chunks are copied.
type memoryForgetting struct{ m *Memory }

var _ presence.Forgetting = memoryForgetting{}

// changes does something while nobody else uses m.
func (f memoryForgetting) changes(ctx context.Context, do func(m *Memory)) error {
	if err := alive(ctx); err != nil {
		return err
	}
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	do(f.m)
	return nil
}

func (f memoryForgetting) Begin(ctx context.Context, user, tombstone string) (noted string, err error) {
	err = f.changes(ctx, func(m *Memory) {
		if m.notes[user] == "" {
			m.notes[user] = tombstone
		}
		noted = m.notes[user]
	})
	return noted, err
}

func (f memoryForgetting) Begun(ctx context.Context, user string) (noted string, err error) {
	err = f.changes(ctx, func(m *Memory) { noted = m.notes[user] })
	return noted, err
}

func (f memoryForgetting) End(ctx context.Context, user string) error {
	return f.changes(ctx, func(m *Memory) { delete(m.notes, user) })
}

func (f memoryForgetting) RenameEvents(ctx context.Context, user, tombstone string, at []events.Position) error {
	return f.changes(ctx, func(m *Memory) {
		for _, p := range at {
			if found := m.from(p, 1); len(found) == 1 && found[0].ID == p && found[0].User == user {
				stream := slices.Clone(m.streams[p.Stream])
				e := &stream[p.Seq-stream[0].ID.Seq]
				e.User, e.Remote, e.Agent = tombstone, "", ""
				m.streams[p.Stream] = stream
			}
		}
	})
}

func (f memoryForgetting) Chunks(ctx context.Context, user, after string, limit int) (found []presence.Chunk, err error) {
	err = f.changes(ctx, func(m *Memory) {
		for _, s := range sortedStreams(m.chunks) {
			for _, c := range m.chunks[s] {
				named := slices.ContainsFunc(c.Open, func(o events.Open) bool { return o.User == user })
				if named && c.ID() > after && len(found) < limit {
					found = append(found, c)
				}
			}
		}
	})
	return found, err
}

func (f memoryForgetting) RenameOpen(ctx context.Context, c presence.Chunk, names map[events.Position]string) error {
	return f.changes(ctx, func(m *Memory) {
		chunks := slices.Clone(m.chunks[c.Of.Stream])
		i, found := findChunk(chunks, c)
		if !found {
			return
		}
		chunks[i].Open = slices.Clone(chunks[i].Open)
		for j, o := range chunks[i].Open {
			if name, renamed := names[o.Conn]; renamed {
				chunks[i].Open[j].User = name
			}
		}
		m.chunks[c.Of.Stream] = chunks
	})
}

func (f memoryForgetting) DropReasons(ctx context.Context, conns []events.Position) error {
	return f.changes(ctx, func(m *Memory) {
		for _, id := range conns {
			if k, there := m.kicks[id]; there {
				k.Reason = ""
				m.kicks[id] = k
			}
		}
	})
}
