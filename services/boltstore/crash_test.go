package boltstore

import (
	"testing"

	"github.com/presenced/presence/events"
)

// TestDB_kill_loses_nothing_that_was_acknowledged kills a process that records, again
// and again (I1, I6, I10).
func TestDB_kill_loses_nothing_that_was_acknowledged(t *testing.T) {
	dir := t.TempDir()
	kills := 12
	if testing.Short() {
		kills = 3
	}
	for kill := range kills {
		c := startChild(t, "record", dir)
		acknowledged := c.line(t)
		for range 10 + 17*kill {
			acknowledged = c.line(t)
		}
		c.kill() // with no regard to what it is doing
		for c.lines.Scan() {
			acknowledged = c.lines.Text() // on its way when it was killed
		}
		mustHaveRecorded(t, dir, acknowledged)
	}
}

// mustHaveRecorded opens the database that a killed process left, and fails unless
// the event at a position is there, and all before it.
func mustHaveRecorded(t *testing.T, dir, acknowledged string) {
	t.Helper()
	last, err := events.ParsePosition(acknowledged)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if tail := fold(t, d.Store(), last.Stream).Tail(); tail.ID.Seq < last.Seq {
		t.Fatalf("%s was acknowledged, and the stream ends at %s", last, tail.ID)
	}
	if err := d.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
