package presence

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// Hook is what the receiver of webhooks has been told, once it has the Pending delivery:
// that those users are online who have an open connection in the log up to Position, but
// for those in Odd, of whom it was told the opposite. So it says exactly what is still to
// be told, to whoever reads it, as long as the log up to Position can be folded.
type Hook struct {
	HookLease

	Target   string // stands for the receiver: what another one knows is not known, nor, if "", what any does
	Number   uint64 // of the last delivery
	Position string // of each stream that was read, its last event: ascending, with commas in between
	Odd      []HookOdd

	// Part is how many parts of a resync the receiver was told; 0: none is under way. While
	// one is, it knows only users up to After, compared as bytes, and Odd is empty.
	Part  int
	After string

	Pending HookDelivery
}

// HookOdd is a user of whom the receiver was told the opposite of what the log says.
type HookOdd struct {
	User string
	Told bool      // it was told that he is online
	At   time.Time // when he came, or left
}

// HookDelivery is a delivery that was written down before it was posted, so that it is
// posted with the same bytes whoever does it. The zero HookDelivery is none.
type HookDelivery struct {
	ID   string
	At   time.Time // when it was written down, by the clock of who did
	Body string    // JSON, whose data.changes name users, each as user
}

// names reports whether the hook names a user. A body that cannot be read may name anyone.
func (h Hook) names(user string) bool {
	if h.After == user || slices.ContainsFunc(h.Odd, func(o HookOdd) bool { return o.User == user }) {
		return true
	}
	if h.Pending.ID == "" {
		return false
	}
	type change struct {
		User string `json:"user"`
	}
	var body struct {
		Data struct {
			Changes []change `json:"changes"`
		} `json:"data"`
	}
	err := json.Unmarshal([]byte(h.Pending.Body), &body)
	return err != nil || slices.Contains(body.Data.Changes, change{user})
}

// without is the hook after h, in which nobody posts: if h names the user, one in which
// nothing is known but the number.
func (h Hook) without(user string) Hook {
	if h.names(user) {
		h = Hook{HookLease: h.HookLease, Number: h.Number}
	}
	h.HookLease = HookLease{Revision: h.Revision + 1}
	return h
}

// HookLease says who posts, and that he still does. It belongs to the hook.
type HookLease struct {
	Revision uint64 // of the hook; 0: there is none yet
	Owner    string // another one in each turn of posting; "": nobody posts
	Beat     uint64
}

// ErrHookTaken is returned when somebody else has saved the hook meanwhile.
var ErrHookTaken = errors.New("the hook was taken by another node")

// Hooks keeps the one hook that there is. Each method may be repeated.
type Hooks interface {
	// Lease returns the lease of the hook, the zero HookLease if there is none.
	Lease(ctx context.Context) (HookLease, error)

	// Load returns the hook, the zero Hook if there is none.
	Load(ctx context.Context) (Hook, error)

	// Save replaces the hook that h.Revision-1 is the revision of, or adds the first one, of
	// revision 1. It returns ErrHookTaken, and changes nothing, if the hook has another
	// revision, unless it is h by an earlier try, which is known by its revision and owner.
	Save(ctx context.Context, h Hook) error

	// Beat sets the beat of the hook if its revision and owner are those of l, and returns
	// ErrHookTaken if they are not.
	Beat(ctx context.Context, l HookLease) error
}
