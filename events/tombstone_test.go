package events

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestIsTombstone(t *testing.T) {
	made := Tombstone(rand.Text())
	if err := ValidateUser(made); err != nil || !IsTombstone(made) {
		t.Errorf("%q: %v", made, err)
	}
	for _, user := range []string{
		"", "ana", "forgotten-", "forgotten-ana", made + "x", made[:len(made)-1], strings.ToUpper(made),
		made[:len(made)-1] + "1", made[:len(made)-1] + "-", " " + made,
	} {
		if IsTombstone(user) {
			t.Errorf("%q is a tombstone", user)
		}
	}
}

// life of a connection, of which the two ends may name users of their own.
func aLife(connected, disconnected string) []Event {
	s, at := Stream{Node: "n1", Epoch: 1}, time.UnixMilli(1_800_000_000_000).UTC()
	return []Event{
		{ID: s.At(0), Type: Opened, At: at, Process: "p"},
		{ID: s.At(1), Type: Connected, At: at, User: connected},
		{ID: s.At(2), Type: Disconnected, At: at, User: disconnected, Conn: s.At(1), Reason: Client},
	}
}

// A reader may see a connection that is half forgotten, from either end. What is no
// tombstone still breaks the grammar.
func TestFold_HalfForgotten_I4(t *testing.T) {
	one, other := Tombstone(rand.Text()), Tombstone(rand.Text())
	for _, c := range []struct {
		connected, disconnected string
		fits                    bool
	}{
		{"ana", "ana", true}, {one, one, true}, {one, "ana", true}, {"ana", one, true}, {one, other, true},
		{"ana", "bob", false}, {"ana", "forgotten-", false}, {"forgotten-ana", "bob", false},
	} {
		var f Fold
		var err error
		for _, e := range aLife(c.connected, c.disconnected) {
			err = errors.Join(err, f.Apply(e))
		}
		if (err == nil) != c.fits || c.fits && f.Len() != 0 || err != nil && !errors.Is(err, ErrGrammar) {
			t.Errorf("%s, then %s: %v, %d open", c.connected, c.disconnected, err, f.Len())
		}
	}
}

func TestEvent_StandsFor(t *testing.T) {
	written := aLife("ana", "ana")[1]
	written.Remote, written.Agent = "203.0.113.0", "test/1"
	forgotten := written
	forgotten.User, forgotten.Remote, forgotten.Agent = Tombstone(rand.Text()), "", ""
	if !written.StandsFor(written) || !forgotten.StandsFor(written) || !written.StandsFor(forgotten) || !forgotten.StandsFor(forgotten) {
		t.Error("an event does not stand for itself")
	}
	for name, change := range map[string]func(*Event){
		"user":     func(e *Event) { e.User = "bob" },
		"position": func(e *Event) { e.ID = e.ID.Next() },
		"time":     func(e *Event) { e.At = e.At.Add(time.Millisecond) },
		"type":     func(e *Event) { e.Type = Disconnected },
		"resumes":  func(e *Event) { e.Resumes = e.ID },
	} {
		other := written
		change(&other)
		if other.StandsFor(written) {
			t.Errorf("another %s stands for it", name)
		}
		other = forgotten
		if change(&other); name != "user" && other.StandsFor(written) {
			t.Errorf("another %s of who is forgotten stands for it", name)
		}
	}
}
