package mongostore

import (
	"context"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// totalAge is how old the number of all connections may be.
const totalAge = time.Second

// total is the number of documents of a collection, counted at most about once per
// totalAge, however many ask. It is counted, not taken from the collection's
// statistics, which are wrong after a server's crash and stay so.
type total struct {
	c collection // static after construction

	mu sync.Mutex // guards what follows; never held during a read
	n  int
	at time.Time // when the count of n began
}

func (t *total) count(ctx context.Context) (int, error) {
	now := time.Now()
	if n, ok := t.fresh(now); ok {
		return n, nil
	}
	ctx, cancel := t.c.bounded(ctx)
	defer cancel()
	n, err := t.c.CountDocuments(ctx, bson.D{})
	if err != nil {
		return 0, err
	}
	t.keep(int(n), now)
	return int(n), nil
}

func (t *total) fresh(now time.Time) (int, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n, !t.at.IsZero() && now.Sub(t.at) < totalAge
}

func (t *total) keep(n int, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at.After(t.at) {
		t.n, t.at = n, at
	}
}
