package mongostore

import (
	"context"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// totalAge is how old the number of all connections may be, and listedAge how old beside a
// list of names, which does not need it.
const (
	totalAge  = time.Second
	listedAge = 10 * time.Second
)

// total is the number of documents of a collection, counted at most about once per
// totalAge, however many ask: while one counts, which takes half a second for a million,
// the others get what was counted before. It is counted, not taken from the collection's
// statistics, which are wrong after a server's crash and stay so.
type total struct {
	c collection // static after construction

	mu       sync.Mutex // guards what follows; never held during a read
	n        int
	at       time.Time // when the count of n began
	counting bool
}

// count is a number that is at most age old, or, while it is being counted, listedAge.
func (t *total) count(ctx context.Context, age time.Duration) (int, error) {
	now := time.Now()
	if n, ok := t.known(now, age); ok {
		return n, nil
	}
	ctx, cancel := t.c.bounded(ctx)
	defer cancel()
	n, err := t.c.CountDocuments(ctx, bson.D{})
	t.keep(int(n), now, err)
	return int(n), err
}

// known is the number if it will do. If not, the caller is to count.
func (t *total) known(now time.Time, age time.Duration) (int, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counting {
		age = listedAge
	}
	if !t.at.IsZero() && now.Sub(t.at) < age {
		return t.n, true
	}
	t.counting = true
	return 0, false
}

func (t *total) keep(n int, at time.Time, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counting = false
	if err == nil && at.After(t.at) {
		t.n, t.at = n, at
	}
}
