package presence

import (
	"testing"

	"github.com/presenced/presence/events"
)

type nobody struct{}

func (nobody) Recorded(events.Position) {}
func (nobody) Kicked(string)            {}

// Appending an event to the queue does not allocate, once the queue has its size.
func BenchmarkTable(b *testing.B) {
	t := newTable(4 * maxBatch)
	conns := make([]Conn, maxBatch)
	batch := make([]item, 0, maxBatch)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		c := &conns[n%maxBatch]
		if n%maxBatch == 0 {
			for len(t.recorded(t.take(batch), 1)) > 0 {
				continue
			}
			t.recorded(t.take(batch), 1) // the second half
		}
		*c = Conn{client: nobody{}}
		if err := t.admit(); err != nil {
			b.Fatal(err)
		}
		t.connect(c, 1)
		t.disconnect(c, events.Client, 2)
	}
}
