package presence

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/presenced/presence/events"
)

// Moment is a place in the order of time over all streams: by At, and then by ID as
// text. The zero Moment is before all events, and one with the zero ID before all
// events of its At.
type Moment struct {
	At time.Time
	ID events.Position
}

// MomentOf is the place of an event.
func MomentOf(e events.Event) Moment { return Moment{e.At, e.ID} }

// Compare orders moments.
func (m Moment) Compare(o Moment) int {
	if c := m.At.Compare(o.At); c != 0 || m.ID == o.ID {
		return c
	}
	switch {
	case m.ID.IsZero():
		return -1
	case o.ID.IsZero():
		return 1
	}
	return strings.Compare(m.ID.String(), o.ID.String())
}

// cursor is m as text, for the Next of a page.
func (m Moment) cursor() string {
	return strconv.FormatInt(m.At.UnixMilli(), 10) + "." + m.ID.String()
}

func parseCursor(text string) (Moment, error) {
	if text == "" {
		return Moment{}, nil
	}
	ms, id, _ := strings.Cut(text, ".")
	at, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return Moment{}, fmt.Errorf("%w: cursor %q", events.ErrInvalid, text)
	}
	p, err := events.ParsePosition(id)
	if err != nil {
		return Moment{}, fmt.Errorf("%w: cursor %q: %w", events.ErrInvalid, text, err)
	}
	return Moment{time.UnixMilli(at).UTC(), p}, nil
}

// validate returns the place that q goes on after, or an error that wraps
// events.ErrInvalid.
func (q SessionQuery) validate() (Moment, error) {
	if q.Limit < 1 || q.Limit > MaxSessionPage {
		return Moment{}, fmt.Errorf("%w: limit %d; want 1 to %d", events.ErrInvalid, q.Limit, MaxSessionPage)
	}
	if err := events.ValidateUser(q.User); err != nil {
		return Moment{}, fmt.Errorf("%w: %w", events.ErrInvalid, err)
	}
	return parseCursor(q.After)
}
