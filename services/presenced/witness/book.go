package witness

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Book is all clients that there ever were. The zero Book is empty.
type Book struct {
	mu      sync.Mutex
	clients []*Client
	failed  []*Sighting // attempts that led to no connection; perhaps the node does not know it
}

// Dial connects a user to a node, at an address such as ws://127.0.0.1:8080, and does
// not wait for the welcome. It returns a *RefusedError if the node does not let the
// user in; an attempt that ended in another way is kept, since the node may have seen
// it through.
func (b *Book) Dial(ctx context.Context, node, addr, user string) (*Client, error) {
	seen := &Sighting{User: user, Node: node, Dialled: time.Now()}
	c, err := connect(ctx, addr, seen)
	if err != nil {
		if refused := new(RefusedError); !errors.As(err, &refused) {
			seen.Ended = time.Now()
			b.mu.Lock()
			b.failed = append(b.failed, seen)
			b.mu.Unlock()
		}
		return nil, err
	}
	seen.Upgraded = time.Now()
	b.mu.Lock()
	b.clients = append(b.clients, c)
	b.mu.Unlock()
	go c.run() // ends with its socket; Close waits for it
	return c, nil
}

// Sightings is what all clients have seen so far.
func (b *Book) Sightings() []Sighting {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Sighting, 0, len(b.clients)+len(b.failed))
	for _, c := range b.clients {
		all = append(all, c.Seen())
	}
	for _, s := range b.failed {
		all = append(all, *s)
	}
	return all
}

// Close closes all clients and waits for their goroutines.
func (b *Book) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.clients {
		c.Close()
	}
	for _, c := range b.clients {
		<-c.ended
	}
}

// Live counts the connections of each user that has not left.
func Live(seen []Sighting) map[string]int {
	live := make(map[string]int)
	for i := range seen {
		if seen[i].Gone().IsZero() {
			live[seen[i].User]++
		}
	}
	return live
}
