package presence

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/events"
)

// How long to wait between two reconciliations: between 15 and 30 s, at random, so
// that nodes do not all read at once.
const (
	reconcileMin = 15 * time.Second
	reconcileMax = 30 * time.Second
)

// note is what the append loop knows between two batches, when nothing is in flight.
type note struct {
	live    []*Conn  // ascending by seq
	leaving []uint64 // seqs of connections whose disconnected event waits, ascending
	last    uint64   // seq of the last event that is recorded
}

// finding is what one look at online found. The append loop judges it, again between two
// batches.
type finding struct {
	note  note     // made before the look
	found []uint64 // seqs of the stream's documents in online, ascending
}

// reconcileLoop compares online with the sockets now and then and has the append loop
// mend what differs. It heals what no algorithm can see: documents that somebody
// removed or brought back by hand, or a write that arrived after its time.
func (e *epoch) reconcileLoop(ctx context.Context) {
	for sleep(ctx, e.m.between(reconcileMin, reconcileMax)) {
		n, err := e.askNote(ctx)
		if err != nil {
			return
		}
		found, err := e.ownOnline(ctx)
		if err != nil {
			continue // the append loop and the beat tell of a store that fails
		}
		select {
		case e.findings <- finding{n, found}:
		case <-ctx.Done():
		}
	}
}

// askNote has the append loop make a note. It fails only if ctx ends.
func (e *epoch) askNote(ctx context.Context) (note, error) {
	made := make(chan note, 1)
	select {
	case e.notes <- made:
		return <-made, nil
	case <-ctx.Done():
		return note{}, context.Cause(ctx)
	}
}

// note makes a note. It runs on the append loop.
func (e *epoch) note() note {
	live, leaving := e.m.table.known()
	return note{live, leaving, e.next - 1}
}

// ownOnline reads the seqs of the stream's documents in online.
func (e *epoch) ownOnline(ctx context.Context) ([]uint64, error) {
	var seqs []uint64
	after := e.stream.At(0)
	for {
		page, err := e.m.store.Online.IDs(ctx, after, maxBatch)
		if err != nil {
			return nil, err
		}
		for _, id := range page {
			seqs = append(seqs, id.Seq)
		}
		if len(page) < maxBatch {
			return seqs, nil
		}
		after = page[len(page)-1]
	}
}

// mend makes online what the sockets say. It runs on the append loop.
func (e *epoch) mend(ctx context.Context, f finding) error {
	remove := surplus(f)
	add := e.missing(f)
	if len(remove)+len(add) == 0 {
		return nil
	}
	connections := make([]Connection, 0, len(add))
	for _, c := range add {
		connections = append(connections, c.connection(e.stream))
	}
	positions := make([]events.Position, 0, len(remove))
	for _, seq := range remove {
		positions = append(positions, e.stream.At(seq))
	}
	err := e.m.persist(ctx, step{"mend online", func(ctx context.Context) error {
		return e.m.store.Online.Apply(ctx, connections, positions)
	}})
	if err == nil {
		e.m.count.mended.Add(uint64(len(add) + len(remove)))
		e.m.log.Warn("online mended", zap.Stringer("stream", e.stream),
			zap.Int("added", len(add)), zap.Int("removed", len(remove)))
	}
	return err
}

// connection is the document in online of a recorded connection.
func (c *Conn) connection(s events.Stream) Connection {
	return Connection{
		ID: s.At(c.seq), User: c.user, Since: time.UnixMilli(c.since).UTC(),
		Remote: c.remote.Value(), Agent: c.agent.Value(),
	}
}

// surplus is the seqs that were found in online although their sockets had gone, and that
// was recorded, before the look. Who has left since, or came since, is of no concern: what
// his events do to online is done, or about to be.
func surplus(f finding) []uint64 {
	var gone []uint64
	for _, seq := range f.found {
		_, live := search(f.note.live, seq)
		_, leaving := slices.BinarySearch(f.note.leaving, seq)
		if seq <= f.note.last && !live && !leaving {
			gone = append(gone, seq)
		}
	}
	return gone
}

// missing is the connections that were live before the look, are live now, and were
// not found in online.
func (e *epoch) missing(f finding) []*Conn {
	var absent []*Conn
	for _, c := range f.note.live {
		if _, there := slices.BinarySearch(f.found, c.seq); !there && e.m.table.isThere(c) {
			absent = append(absent, c)
		}
	}
	return absent
}

func search(conns []*Conn, seq uint64) (int, bool) {
	return slices.BinarySearchFunc(conns, seq, func(c *Conn, seq uint64) int {
		switch {
		case c.seq < seq:
			return -1
		case c.seq > seq:
			return 1
		}
		return 0
	})
}
