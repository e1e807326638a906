package presence_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// An admission has room for both events of its connection until they are recorded.
func TestMember_Admit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		m := start(t, store, presence.Config{Queue: 4})
		a, b := connect(t, m, "ana"), connect(t, m, "bob")
		synctest.Wait() // both are recorded: two places are free, two wait for the disconnects
		c := connect(t, m, "cleo")
		synctest.Wait()
		if err := m.Admit(); !errors.Is(err, presence.ErrFull) {
			t.Fatalf("admitted with one place left: %v", err)
		}
		m.Disconnect(&a.Conn, events.Client)
		synctest.Wait()
		if err := m.Admit(); err != nil {
			t.Fatalf("not admitted with two places free: %v", err)
		}
		m.Release()
		d := connect(t, m, "dora")
		m.Disconnect(&d.Conn, events.Client)
		m.Disconnect(&c.Conn, events.Client)
		m.Disconnect(&b.Conn, events.Client)
		synctest.Wait()
		for range 2 {
			if err := m.Admit(); err != nil {
				t.Fatalf("not admitted with all places free: %v", err)
			}
		}
		holds(t, store, 0)
	})
}
