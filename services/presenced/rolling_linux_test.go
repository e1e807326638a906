package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presenced/witness"
)

// rollingTimeout is the deadline of a node that is told to stop, as command sets it.
const rollingTimeout = 60 * time.Second

// rollout is a cluster behind a balancer, and clients that come back when they are sent
// away.
type rollout struct {
	*cluster
	*balancer
	clients sync.WaitGroup
	enough  context.Context //nolint:containedctx // of the clients' whole life
}

// launch starts a node, or starts it again, and tells the balancer where it is.
func (r *rollout) launch(t *testing.T, id string) {
	t.Helper()
	cmd := command(r.backend, id, r.log)
	cmd.Args = append(cmd.Args, "--drain-delay", "1s")
	p, err := witness.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	r.cluster.nodes[id] = p
	r.use(id, p)
	eventually(t, "the balancer finds all nodes ready", r.allReady)
}

// again waits a little before an attempt is repeated, and reports whether it is to be.
func (r *rollout) again() bool {
	select {
	case <-time.After(20 * time.Millisecond):
		return true
	case <-r.enough.Done():
		return false
	}
}

// regular is a user who is always connected, but for the moment after a farewell.
func (r *rollout) regular(user string) {
	for r.enough.Err() == nil {
		c, err := r.Dial(r.enough, "", r.addr(), user)
		if err != nil {
			r.again()
			continue
		}
		select {
		case <-c.Ended():
		case <-r.enough.Done():
			return
		}
	}
}

// passerBy comes, is welcomed, and leaves, each time as another user.
func (r *rollout) passerBy() {
	for i := 0; r.again(); i++ {
		c, err := r.Dial(r.enough, "", r.addr(), fmt.Sprint("passer-by ", i))
		if err != nil {
			continue
		}
		for s := c.Seen(); len(s.Welcomes) == 0 && s.Gone().IsZero() && r.again(); s = c.Seen() {
		}
		c.Close()
	}
}

// welcomed reports whether so many users are connected and welcomed.
func (r *rollout) welcomed(users int) bool {
	n := 0
	for _, s := range r.Sightings() {
		if strings.HasPrefix(s.User, "regular") && s.Gone().IsZero() && len(s.Welcomes) > 0 {
			n++
		}
	}
	return n == users
}

// located are sightings with the node that each was at, which its client learns by the
// welcome. One that went before its welcome may have been at any.
func located(seen []witness.Sighting, nodes ...string) (all []witness.Sighting) {
	for _, s := range seen {
		at := nodes
		if len(s.Welcomes) > 0 {
			node, _, _ := strings.Cut(s.Welcomes[0].ID, "/")
			at = []string{node}
		}
		for _, s.Node = range at {
			all = append(all, s)
		}
	}
	return all
}

// Two nodes behind a proxy are restarted one after the other, while users are connected
// and others come and go. Nothing is lost: whoever was let in is in the log, once, with
// one end, by the client or by the shutdown; and in the end each user who stayed is
// online once.
func TestCluster_RollingRestart(t *testing.T) {
	t.Parallel()
	const users = 30
	enough, cancel := context.WithCancel(context.Background())
	r := &rollout{
		cluster:  &cluster{backend: mongoBackend(t), nodes: make(map[string]*witness.Process), log: logOf(t)},
		balancer: balance(t), enough: enough,
	}
	t.Cleanup(r.Close)
	t.Cleanup(r.clients.Wait)
	t.Cleanup(cancel)
	nodes := []string{"n1", "n2"}
	for _, id := range nodes {
		r.launch(t, id)
	}
	for i := range users {
		r.clients.Go(func() { r.regular(fmt.Sprint("regular ", i)) })
	}
	r.clients.Go(r.passerBy)
	eventually(t, "all are welcomed", func() bool { return r.welcomed(users) })

	for _, id := range nodes {
		began := time.Now()
		if err := r.cluster.nodes[id].Stop(); err != nil {
			t.Errorf("%s does not end in good order: %v", id, err)
		}
		if took := time.Since(began); took > rollingTimeout {
			t.Errorf("%s took %s to end, and had %s", id, took, rollingTimeout)
		}
		eventually(t, "who was sent away is welcomed elsewhere", func() bool { return r.welcomed(users) })
		r.launch(t, id)
	}
	cancel()
	r.clients.Wait()
	for _, id := range nodes {
		r.onlineIsTrue(t, id)
	}
	for user, n := range witness.Live(r.Sightings()) {
		if n != 1 || !strings.HasPrefix(user, "regular") {
			t.Errorf("%q is connected %d times", user, n)
		}
	}
	seen := r.Sightings()
	nothingIsLost(t, holdsWith(t, r.backend, located(seen, nodes...)), seen, users)

	r.Close()
	for _, id := range nodes {
		if err := r.cluster.nodes[id].Stop(); err != nil {
			t.Errorf("%s does not end in good order: %v", id, err)
		}
	}
	if report := verified(t, r.backend); report.Open != 0 || report.Streams != 2*len(nodes) {
		t.Errorf("%d streams, %d open connections after all nodes have left", report.Streams, report.Open)
	}
}

// nothingIsLost holds a log against what clients saw of nodes that were only told to
// stop: nobody was let in who is not in it.
func nothingIsLost(t *testing.T, log []events.Event, seen []witness.Sighting, users int) {
	t.Helper()
	attempts, upgraded, logged := make(map[string]int), make(map[string]int), make(map[string]int)
	for i := range seen {
		attempts[seen[i].User]++
		if !seen[i].Upgraded.IsZero() {
			upgraded[seen[i].User]++
		}
	}
	ends := make(map[events.Reason]int)
	for _, e := range log {
		switch e.Type {
		case events.Connected:
			logged[e.User]++
		case events.Disconnected:
			ends[e.Reason]++
		case events.Opened, events.Sealed:
		}
	}
	for user, n := range attempts {
		if logged[user] < upgraded[user] || logged[user] > n {
			t.Errorf("%q was let in %d times of %d, and is in the log %d times", user, upgraded[user], n, logged[user])
		}
	}
	t.Logf("%d attempts, %d users, ends %v", len(seen), len(attempts), ends)
	if len(ends) != 2 || ends[events.Shutdown] < users || ends[events.Client] == 0 {
		t.Errorf("ends %v, want some by the client and at least %d by the shutdown, and no others", ends, users)
	}
}
