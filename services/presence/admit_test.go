package presence_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

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

// That connections are refused, and let in again, is said once, not for each of them: also
// while they come and go at the brink.
func TestMember_Admit_SaysSoOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, said := observer.New(zapcore.InfoLevel)
		m := start(t, newStore(), presence.Config{Queue: 40, Log: zap.New(core)})
		said.TakeAll()
		var all []*client
		for m.Admit() == nil {
			m.Release()
			all = append(all, connect(t, m, fmt.Sprint("u", len(all))))
			synctest.Wait()
		}
		for range 100 {
			if m.Admit() == nil {
				t.Fatal("admitted")
			}
			m.Disconnect(&all[0].Conn, events.Client)
			synctest.Wait()
			all = append(all[1:], connect(t, m, "next"))
			synctest.Wait()
		}
		for _, c := range all {
			m.Disconnect(&c.Conn, events.Client)
		}
		synctest.Wait()
		for range 10 {
			connect(t, m, "again")
			synctest.Wait()
		}
		var lines []string
		for _, e := range said.All() {
			lines = append(lines, e.Message)
		}
		if got := fmt.Sprintf("%q", lines); got != `["connections are refused: too many events wait to be recorded" "connections are let in again"]` {
			t.Errorf("said %s", got)
		}
	})
}
