package witness

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/events"
)

var (
	noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	one  = events.Stream{Node: "n1", Epoch: 1}
	two  = events.Stream{Node: "n1", Epoch: 2}
)

func after(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

// visitOf is what a client saw that came at a time, was welcomed as ids half a second
// later each, and left at another time, 0: not yet.
func visitOf(user string, came, left float64, ids ...events.Position) Sighting {
	s := Sighting{User: user, Node: "n1", Dialled: after(came), Upgraded: after(came + 0.1)}
	for i, id := range ids {
		s.Welcomes = append(s.Welcomes, Welcome{id.String(), after(came + float64(i+1)/2)})
	}
	if left != 0 {
		s.Left = after(left)
	}
	return s
}

func came(user string, id events.Position) events.Event {
	return events.Event{ID: id, Type: events.Connected, User: user}
}

func went(user string, id, conn events.Position) events.Event {
	return events.Event{ID: id, Type: events.Disconnected, User: user, Conn: conn}
}

// story is a log and what clients saw that agree: ana came and went; bob came, and came
// along into the next epoch; eve left before she was welcomed.
func story() ([]events.Event, []Sighting) {
	again := came("bob", two.At(1))
	again.Resumes = one.At(3)
	return []events.Event{
			{ID: one.At(0), Type: events.Opened},
			came("ana", one.At(1)), went("ana", one.At(2), one.At(1)), came("bob", one.At(3)),
			came("eve", one.At(4)), went("eve", one.At(5), one.At(4)),
			{ID: one.At(6), Type: events.Sealed}, went("bob", one.At(7), one.At(3)),
			{ID: two.At(0), Type: events.Opened}, again,
		}, []Sighting{
			visitOf("ana", 1, 3, one.At(1)), visitOf("bob", 5, 0, one.At(3), two.At(1)), visitOf("eve", 7, 7.2),
		}
}

func TestContradictions(t *testing.T) {
	for name, tt := range map[string]struct {
		change   func(log *[]events.Event, seen *[]Sighting)
		lossless bool
		says     string // "": they agree
	}{
		"they agree":          {func(*[]events.Event, *[]Sighting) {}, true, ""},
		"not in the log":      {func(l *[]events.Event, _ *[]Sighting) { *l = slices.Delete(*l, 9, 10) }, false, "which the log does not have"},
		"another user's":      {func(l *[]events.Event, _ *[]Sighting) { (*l)[1].User = "eve" }, false, "which is of user"},
		"given twice":         {func(_ *[]events.Event, s *[]Sighting) { *s = append(*s, (*s)[0]) }, false, "to two clients"},
		"no end":              {func(l *[]events.Event, _ *[]Sighting) { *l = slices.Delete(*l, 2, 3) }, false, "0 disconnected events, want 1"},
		"two ends":            {func(l *[]events.Event, _ *[]Sighting) { *l = append(*l, went("ana", one.At(8), one.At(1))) }, false, "2 disconnected events, want 1"},
		"an end that is none": {func(l *[]events.Event, _ *[]Sighting) { *l = append(*l, went("bob", two.At(2), two.At(1))) }, false, "1 disconnected events, want 0"},
		"resumes another":     {func(l *[]events.Event, _ *[]Sighting) { (*l)[9].Resumes = one.At(1) }, false, "resumes"},
		"doubled":             {func(l *[]events.Event, _ *[]Sighting) { *l = append(*l, came("eve", one.At(8))) }, false, "and came 1 times"},
		"never came":          {func(l *[]events.Event, _ *[]Sighting) { *l = append(*l, came("mallory", one.At(8))) }, false, "and came 0 times"},
		"lost":                {func(l *[]events.Event, _ *[]Sighting) { *l = slices.Delete(*l, 4, 6) }, true, "and was let in 1 times"},
		"lost with its node":  {func(l *[]events.Event, _ *[]Sighting) { *l = slices.Delete(*l, 4, 6) }, false, ""},
		"reordered":           {func(_ *[]events.Event, s *[]Sighting) { (*s)[0].Dialled, (*s)[0].Upgraded = after(9), after(9) }, false, "connected after it"},
	} {
		t.Run(name, func(t *testing.T) {
			log, seen := story()
			tt.change(&log, &seen)
			got := strings.Join(Contradictions(log, seen, tt.lossless), "; ")
			if !strings.Contains(got, tt.says) || (got == "") != (tt.says == "") {
				t.Errorf("got %q, want %q", got, tt.says)
			}
		})
	}
}
