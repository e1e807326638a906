package presence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/presenced/presence/events"
)

// KickOrder says whom to kick: all connections of a user, or one connection.
type KickOrder struct {
	User   string
	Conn   events.Position
	Reason string // told to the clients; may be empty
}

// MaxKickReason is the most bytes of a kick's reason: what a close frame has room for.
const MaxKickReason = 123

// validate returns an error unless the order names exactly one user or connection. One
// that names none would be an order to kick everybody.
func (o KickOrder) validate() error {
	switch {
	case o.User == "" && o.Conn.IsZero():
		return errors.New("a kick of nobody: name a user or a connection")
	case o.User != "" && !o.Conn.IsZero():
		return errors.New("a kick of a user and of a connection: name one of them")
	case o.User != "":
		if err := events.ValidateUser(o.User); err != nil {
			return err
		}
	}
	return ValidateKickReason(o.Reason)
}

// ValidateKickReason returns an error unless reason is at most MaxKickReason bytes of
// valid UTF-8 without control characters.
func ValidateKickReason(reason string) error {
	switch {
	case len(reason) > MaxKickReason:
		return fmt.Errorf("the reason has %d bytes, and a close frame has room for %d", len(reason), MaxKickReason)
	case !utf8.ValidString(reason):
		return errors.New("the reason is not valid UTF-8")
	}
	for _, r := range reason {
		if unicode.IsControl(r) {
			return fmt.Errorf("the reason has the control character %U", r)
		}
	}
	return nil
}

// errNoKicks is returned where the store keeps no kicks.
var errNoKicks = errors.New("this store keeps no kicks")

// Kick asks for the connections of a user, or one, to be closed, on whatever node they
// are, and returns those that it has asked for: none if nobody is online. It does not
// wait; see Kicked. Nobody is banned: who is kicked may connect again. An order that names
// nobody, or is not valid, is an error that wraps events.ErrInvalid.
//
// With an error some may have been asked for; to ask again does no harm. Who connects
// while it looks may be kicked or not.
func (m *Member) Kick(ctx context.Context, o KickOrder) (asked []events.Position, err error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("kick: %w: %w", events.ErrInvalid, err)
	}
	if m.store.Kicks == nil {
		return nil, errNoKicks
	}
	for after := (events.Position{}); ; {
		page, err := m.connectionsOf(ctx, o, after)
		if err != nil {
			return nil, fmt.Errorf("look up whom to kick: %w", err)
		}
		kicks := make([]Kick, 0, len(page))
		for _, c := range page {
			kicks = append(kicks, Kick{Conn: c.ID, At: m.now(), By: m.cfg.Node, Reason: o.Reason})
			asked = append(asked, c.ID)
		}
		if len(kicks) > 0 {
			if err := m.store.Kicks.Add(ctx, kicks); err != nil {
				return nil, fmt.Errorf("ask for kicks: %w", err)
			}
			m.ask()
		}
		if len(page) < MaxKicks {
			return asked, nil
		}
		after = page[len(page)-1].ID
	}
}

// connectionsOf is the next page of the connections that an order means.
func (m *Member) connectionsOf(ctx context.Context, o KickOrder, after events.Position) ([]Connection, error) {
	if o.User != "" {
		return m.store.Online.OfUser(ctx, o.User, after, MaxKicks)
	}
	if o.Conn.Seq == 0 {
		return nil, nil
	}
	page, err := m.store.Online.OfStream(ctx, o.Conn.At(o.Conn.Seq-1), 1)
	return slices.DeleteFunc(page, func(c Connection) bool { return c.ID != o.Conn }), err
}

// ask wakes the loop that looks for kicks of this node.
func (m *Member) ask() {
	select {
	case m.asked <- struct{}{}:
	default:
	}
}

// How often Kicked looks: sooner at first, since most connections are closed at once.
const (
	minKickedLook = 20 * time.Millisecond
	maxKickedLook = 500 * time.Millisecond
)

// Kicked waits until the ends of connections that Kick has asked for are recorded, or
// ctx ends, and returns those of which that is not known: their node may be slow, cut
// off, or dead and not yet taken over.
func (m *Member) Kicked(ctx context.Context, asked []events.Position) (pending []events.Position) {
	pending = asked
	for wait := minKickedLook; len(pending) > 0 && sleep(ctx, wait); wait = min(2*wait, maxKickedLook) {
		var left []events.Position
		for some := range slices.Chunk(pending, MaxKicks) {
			still, err := m.store.Kicks.Pending(ctx, some)
			if err != nil {
				still = some // not known: look again
			}
			left = append(left, still...)
		}
		pending = left
	}
	return pending
}
