package boltstore

import (
	"testing"

	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

func TestDB_keeps_the_contracts(t *testing.T) {
	storetest.Run(t, func(t *testing.T) presence.Store { return openTemp(t).Store() })
}

// TestDB_keeps_the_contracts_in_two_steps holds the parts to them by themselves.
func TestDB_keeps_the_contracts_in_two_steps(t *testing.T) {
	storetest.Run(t, func(t *testing.T) presence.Store {
		s := openTemp(t).Store()
		s.Recorder = presence.TwoStep(s.Log, s.Online)
		return s
	})
}

// openTemp opens a new database, and checks and closes it at the end of the test.
func openTemp(t testing.TB) *DB {
	t.Helper()
	return openIn(t, t.TempDir())
}

// openIn opens the database of a directory, and checks and closes it at the end of
// the test.
func openIn(t testing.TB, dir string) *DB {
	t.Helper()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Check(noContext); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}
