package boltstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// hooks is the presence.Hooks of a DB. Its bucket is made with the first hook, so that
// files without one need no other format.
type hooks struct{ d *DB }

var _ presence.Hooks = hooks{}

var (
	hooksBucket = []byte("hooks")
	hookKey     = []byte("hook")
)

// hookRecord is a hook as a document of hooks.
type hookRecord struct {
	Revision uint64          `json:"revision"`
	Owner    string          `json:"owner"`
	Beat     uint64          `json:"beat"`
	Target   string          `json:"target"`
	Number   uint64          `json:"number"`
	Position string          `json:"position"`
	Odd      []oddRecord     `json:"odd,omitempty"`
	Part     int             `json:"part,omitempty"`
	After    string          `json:"after,omitempty"`
	Pending  *deliveryRecord `json:"pending,omitempty"`
}

type oddRecord struct {
	User string    `json:"user"`
	Told bool      `json:"told"`
	At   time.Time `json:"at"`
}

type deliveryRecord struct {
	ID   string    `json:"id"`
	At   time.Time `json:"at"`
	Body string    `json:"body"`
}

func encodeHook(h presence.Hook) ([]byte, error) {
	r := hookRecord{
		Revision: h.Revision, Owner: h.Owner, Beat: h.Beat, Target: h.Target, Number: h.Number,
		Position: h.Position, Part: h.Part, After: h.After,
	}
	for _, o := range h.Odd {
		r.Odd = append(r.Odd, oddRecord(o))
	}
	if h.Pending.ID != "" {
		r.Pending = new(deliveryRecord(h.Pending))
	}
	return json.Marshal(r)
}

func decodeHook(value []byte) (h presence.Hook, err error) {
	var r hookRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return h, damaged(hookKey, err)
	}
	h = presence.Hook{
		HookLease: presence.HookLease{Revision: r.Revision, Owner: r.Owner, Beat: r.Beat},
		Target:    r.Target, Number: r.Number, Position: r.Position, Part: r.Part, After: r.After,
	}
	for _, o := range r.Odd {
		o.At = events.Milliseconds(o.At)
		h.Odd = append(h.Odd, presence.HookOdd(o))
	}
	if r.Pending != nil {
		h.Pending = presence.HookDelivery(*r.Pending)
		h.Pending.At = events.Milliseconds(h.Pending.At)
	}
	return h, nil
}

// Lease implements presence.Hooks.
func (s hooks) Lease(ctx context.Context) (presence.HookLease, error) {
	h, err := s.Load(ctx)
	return h.HookLease, err
}

// Load implements presence.Hooks.
func (s hooks) Load(ctx context.Context) (h presence.Hook, err error) {
	err = s.d.view(ctx, "read the hook", func(tx *bbolt.Tx) (err error) {
		h, err = hookOf(tx.Bucket(hooksBucket))
		return err
	})
	if err != nil {
		return presence.Hook{}, err
	}
	return h, nil
}

// hookOf is the hook in a bucket, the zero Hook if it is not there or the bucket is nil.
func hookOf(b *bbolt.Bucket) (presence.Hook, error) {
	if b == nil {
		return presence.Hook{}, nil
	}
	value := b.Get(hookKey)
	if value == nil {
		return presence.Hook{}, nil
	}
	return decodeHook(value)
}

// Save implements presence.Hooks.
func (s hooks) Save(ctx context.Context, h presence.Hook) error {
	return s.change(ctx, "save the hook", func(there *presence.Hook) error {
		switch {
		case there.Revision == h.Revision && there.Owner == h.Owner:
		case there.Revision != h.Revision-1:
			return taken(*there)
		default:
			*there = h
		}
		return nil
	})
}

// Beat implements presence.Hooks.
func (s hooks) Beat(ctx context.Context, l presence.HookLease) error {
	return s.change(ctx, "beat of the hook", func(there *presence.Hook) error {
		if there.Revision == 0 || there.Revision != l.Revision || there.Owner != l.Owner {
			return taken(*there)
		}
		there.Beat = l.Beat
		return nil
	})
}

// change changes the hook in one commit, unless f returns an error.
func (s hooks) change(ctx context.Context, what string, f func(*presence.Hook) error) error {
	return s.d.update(ctx, what, func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(hooksBucket)
		if err != nil {
			return err
		}
		h, err := hookOf(b)
		if err != nil {
			return err
		}
		if err := f(&h); err != nil {
			return err
		}
		value, err := encodeHook(h)
		if err != nil {
			return err
		}
		return b.Put(hookKey, value)
	})
}

func taken(there presence.Hook) error {
	return fmt.Errorf("%w: revision %d is of %q", presence.ErrHookTaken, there.Revision, there.Owner)
}
