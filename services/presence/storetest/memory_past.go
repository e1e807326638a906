package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// memoryPast is the presence.Past of a Memory. It looks at every event.
type memoryPast struct{ m *Memory }

var _ presence.Past = memoryPast{}

func (p memoryPast) OfUser(ctx context.Context, user string, after presence.Moment, limit int) ([]events.Event, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	p.m.mu.RLock()
	defer p.m.mu.RUnlock()
	var found []events.Event
	for _, stream := range p.m.streams {
		for _, e := range stream {
			if e.User == user && presence.MomentOf(e).Compare(after) > 0 {
				found = append(found, e)
			}
		}
	}
	slices.SortFunc(found, func(a, b events.Event) int { return presence.MomentOf(a).Compare(presence.MomentOf(b)) })
	return found[:max(0, min(limit, len(found)))], nil
}

func (p memoryPast) Last(ctx context.Context, users []string) ([]events.Event, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	p.m.mu.RLock()
	defer p.m.mu.RUnlock()
	last := make(map[string]events.Event)
	for _, stream := range p.m.streams {
		for _, e := range stream {
			if known, there := last[e.User]; !there || presence.MomentOf(e).Compare(presence.MomentOf(known)) > 0 {
				last[e.User] = e
			}
		}
	}
	var found []events.Event
	for user, e := range last {
		if user != "" && slices.Contains(users, user) {
			found = append(found, e)
		}
	}
	return found, nil
}

func (p memoryPast) Horizon(ctx context.Context) (time.Time, error) {
	if err := alive(ctx); err != nil {
		return time.Time{}, err
	}
	p.m.mu.RLock()
	defer p.m.mu.RUnlock()
	return p.m.horizon, nil
}

// memoryRetention is the presence.Retention of a Memory.
type memoryRetention struct{ m *Memory }

var _ presence.Retention = memoryRetention{}

func (r memoryRetention) SetHorizon(ctx context.Context, at time.Time) error {
	if err := alive(ctx); err != nil {
		return err
	}
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	if at.After(r.m.horizon) {
		r.m.horizon = at
	}
	return nil
}

func (r memoryRetention) DeleteEvents(ctx context.Context, below events.Position) error {
	if err := alive(ctx); err != nil {
		return err
	}
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	stream := r.m.streams[below.Stream]
	switch kept := slices.Clone(r.m.from(below, len(stream))); {
	case len(kept) > 0:
		r.m.streams[below.Stream] = kept
	default:
		delete(r.m.streams, below.Stream)
	}
	return nil
}

func (r memoryRetention) DeleteSnapshots(ctx context.Context, below events.Position) error {
	if err := alive(ctx); err != nil {
		return err
	}
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	chunks := r.m.chunks[below.Stream]
	first, _ := findChunk(chunks, presence.Chunk{Of: below})
	r.m.chunks[below.Stream] = chunks[first:]
	return nil
}
