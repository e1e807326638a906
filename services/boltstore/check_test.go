package boltstore

import (
	"testing"

	"github.com/presenced/presence/events"
)

// TestDB_CheckUsers/beside_a_writer: what is being recorded is no damage, and looking for
// damage is no data race.
func TestDB_CheckUsers(t *testing.T) {
	t.Run("beside_a_writer", func(t *testing.T) {
		d := openTemp(t)
		w := &writer{stream: events.Stream{Node: "n1", Epoch: 1}}
		mustRecord(t, d, w.run(50))
		checked := make(chan struct{})
		go func() {
			defer close(checked)
			for range 50 {
				if err := d.CheckUsers(noContext); err != nil {
					t.Error(err)
				}
			}
		}()
		for more := true; more; {
			mustRecord(t, d, w.run(10))
			select {
			case <-checked:
				more = false
			default:
			}
		}
	})
}
