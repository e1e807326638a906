package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/presenced/presence/services/presenced/witness"
)

// balancer is a TCP proxy in front of nodes, as there are many: it asks each node now
// and then whether it is ready, and gives new connections to those that are, in turn.
// What it has given stays where it is.
type balancer struct {
	listener net.Listener
	all      sync.WaitGroup

	mu    sync.Mutex
	nodes []*balanced
	turn  int
}

// balanced is a node as the balancer knows it.
type balanced struct {
	id, clients, admin string
	ready              bool
}

// balance starts a balancer without nodes, which ends with the test.
func balance(t *testing.T) *balancer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{listener: listener}
	ctx, cancel := context.WithCancel(context.Background())
	b.all.Go(func() { b.probe(ctx) })
	b.all.Go(func() { b.accept(ctx) })
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		b.all.Wait()
	})
	return b
}

func (b *balancer) addr() string { return "ws://" + b.listener.Addr().String() }

// use makes it know a node, or that the node is at other addresses now.
func (b *balancer) use(id string, p *witness.Process) {
	n := &balanced{id: id, clients: strings.TrimPrefix(p.Clients, "ws://"), admin: p.Admin}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.nodes {
		if b.nodes[i].id == id {
			b.nodes[i] = n
			return
		}
	}
	b.nodes = append(b.nodes, n)
}

// probe asks the nodes until ctx ends.
func (b *balancer) probe(ctx context.Context) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		b.mu.Lock()
		nodes := append([]*balanced(nil), b.nodes...)
		b.mu.Unlock()
		for _, n := range nodes {
			ready := isReady(ctx, n.admin)
			b.mu.Lock()
			n.ready = ready
			b.mu.Unlock()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func isReady(ctx context.Context, admin string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/readyz", nil)
	if err != nil {
		return false
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// allReady reports whether every node was ready when it was last asked.
func (b *balancer) allReady() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !slices.ContainsFunc(b.nodes, func(n *balanced) bool { return !n.ready })
}

// choices are the addresses of the nodes that are ready, the one whose turn it is first.
func (b *balancer) choices() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn++
	var addrs []string
	for i := range b.nodes {
		if n := b.nodes[(b.turn+i)%len(b.nodes)]; n.ready {
			addrs = append(addrs, n.clients)
		}
	}
	return addrs
}

func (b *balancer) accept(ctx context.Context) {
	for {
		near, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.all.Go(func() { b.carry(ctx, near) })
	}
}

// carry joins a client to the first node that takes it, until one of them ends.
func (b *balancer) carry(ctx context.Context, near net.Conn) {
	defer func() { _ = near.Close() }()
	far := b.dial(ctx)
	if far == nil {
		return
	}
	defer context.AfterFunc(ctx, func() { _ = near.Close() })()
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(near, far)
		_ = near.Close()
	})
	_, _ = io.Copy(far, near)
	_ = far.Close()
	back.Wait()
}

// dial connects to a node that is ready, nil if there is none.
func (b *balancer) dial(ctx context.Context) net.Conn {
	for _, addr := range b.choices() {
		if conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr); err == nil {
			return conn
		}
	}
	return nil
}
