package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/mongostore/mongotest"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presenced/witness"
)

// promise is for how long the service may be wrong with default settings.
var promise = witness.Bounds{
	Close: 5 * time.Second, Silent: 35 * time.Second, Death: 20 * time.Second, Rejoin: 10 * time.Second,
}

// calmPatience is how long a cluster may take until all is well again: a takeover, a
// start and a rejoin take 10 s each, on a machine that is not busy.
const calmPatience = 2 * time.Minute

// command is presenced as a process of its own, as a node of a cluster.
func command(b backend, node string, log *logged) *exec.Cmd {
	cmd := exec.Command(os.Args[0], b.args("--ws-host", "127.0.0.1", "--node-id", node, "--drain-timeout", "60s")...)
	cmd.Env = append(os.Environ(), asPresenced+"=1")
	cmd.Stderr = log
	return cmd
}

// cluster is nodes on one database, and the clients of a test.
type cluster struct {
	witness.Book
	backend
	nodes map[string]*witness.Process
	log   *logged
}

// startCluster starts nodes at once.
func startCluster(t *testing.T, ids ...string) *cluster {
	t.Helper()
	c := &cluster{backend: mongoBackend(t), nodes: make(map[string]*witness.Process), log: logOf(t)}
	t.Cleanup(c.Close)
	var (
		starting sync.WaitGroup
		mu       sync.Mutex
	)
	for _, id := range ids {
		starting.Go(func() {
			p, err := witness.Start(command(c.backend, id, c.log))
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(p.Kill)
			mu.Lock()
			defer mu.Unlock()
			c.nodes[id] = p
		})
	}
	if starting.Wait(); t.Failed() {
		t.FailNow()
	}
	return c
}

// logOf is the log of all processes of a test, shown if it has failed.
func logOf(t *testing.T) *logged {
	log := new(logged)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the servers' log:\n%s", log.String())
		}
	})
	return log
}

// connect connects users to a node and waits for their welcomes.
func (c *cluster) connect(t *testing.T, node string, count int) []*witness.Client {
	t.Helper()
	var clients []*witness.Client
	for i := range count {
		client, err := c.Dial(t.Context(), node, c.nodes[node].Clients, fmt.Sprint(node, " ", i))
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, client)
	}
	eventually(t, "all are welcomed", func() bool {
		for _, client := range clients {
			if len(client.Seen().Welcomes) == 0 {
				return false
			}
		}
		return true
	})
	return clients
}

// onlineIsTrue waits until a node says that those are online who are connected.
func (c *cluster) onlineIsTrue(t *testing.T, node string) {
	t.Helper()
	eventually(t, "online is who is connected", func() bool {
		online, err := witness.Online(t.Context(), c.nodes[node].Admin)
		return err == nil && maps.Equal(online, witness.Live(c.Sightings()))
	})
}

// holdsWith holds that the log and online of a backend agree, and with what clients
// saw, while the nodes live.
func holdsWith(t *testing.T, b backend, seen []witness.Sighting) []events.Event {
	t.Helper()
	store := b.open(t)
	report := insist(t, func() (presence.Report, error) { return presence.Verify(t.Context(), store.Store) })
	for _, p := range report.Problems {
		t.Errorf("%s %s: %s", p.Kind, p.Stream, p.Detail)
	}
	log := readLog(t, store)
	for _, wrong := range witness.Contradictions(log, seen, false) {
		t.Error(wrong)
	}
	return log
}

// readLog reads all events of all streams, in order.
func readLog(t *testing.T, store opened) []events.Event {
	t.Helper()
	streams := insist(t, func() ([]events.Stream, error) { return store.Log.Streams(t.Context(), events.Stream{}, 1000) })
	var log []events.Event
	for _, s := range streams {
		log = append(log, insist(t, func() ([]events.Event, error) { return store.Log.Read(t.Context(), s.At(0), 1<<20) })...)
	}
	return log
}

// When one of two nodes is killed, the other ends its stream in time: none of its users
// stays online, and each of its connections has its end in the log.
func TestCluster_Kill(t *testing.T) {
	t.Parallel()
	const users = 20
	c := startCluster(t, "n1", "n2")
	c.connect(t, "n1", users)
	c.connect(t, "n2", users)
	c.nodes["n1"].Kill()
	eventually(t, "the clients have seen it", func() bool { return len(witness.Live(c.Sightings())) == users })
	c.onlineIsTrue(t, "n2")

	lost := 0
	for _, e := range holdsWith(t, c.backend, c.Sightings()) {
		if e.Reason == events.NodeLost && e.Type == events.Disconnected && e.ID.Node == "n1" {
			lost++
		}
		if e.Reason != events.NodeLost {
			continue
		}
		if wrong := e.At.Sub(e.LastSeen); e.LastSeen.IsZero() || wrong > promise.Death {
			t.Errorf("%s %s is %s after the last sign of life", e.Type, e.ID, wrong)
		}
	}
	if lost != users {
		t.Errorf("%d connections are lost with their node, want %d", lost, users)
	}
}

// A node that stood still for longer than its lease finds out that its stream has
// ended, and goes on in another one. Its clients stay connected, are welcomed again,
// and nobody is counted twice.
func TestCluster_Pause(t *testing.T) {
	t.Parallel()
	const users = 20
	c := startCluster(t, "n1", "n2")
	stay := c.connect(t, "n1", users)
	c.connect(t, "n2", users)
	if err := c.nodes["n1"].Pause(); err != nil {
		t.Fatal(err)
	}
	stay[0].Close() // and the node cannot know
	eventually(t, "the node is taken for dead", func() bool {
		online, err := witness.Online(t.Context(), c.nodes["n2"].Admin)
		return err == nil && len(online) == users
	})
	if err := c.nodes["n1"].Continue(); err != nil {
		t.Fatal(err)
	}
	for _, client := range stay[1:] {
		eventually(t, "the clients are welcomed again", func() bool { return len(client.Seen().Welcomes) > 1 })
		s := client.Seen()
		if id := s.Welcomes[1].ID; !s.Gone().IsZero() || !strings.HasPrefix(id, "n1/00000002/") {
			t.Errorf("%q is %s now: %+v", s.User, id, s)
		}
	}
	for id := range c.nodes {
		c.onlineIsTrue(t, id)
	}
	holdsWith(t, c.backend, c.Sightings())
}

// A node that stood still while another process was started with its id gives way when
// it goes on: it ends, says why and what to change, and exits with a code of its own. Who
// is connected to the other one does not notice.
func TestCluster_DuplicateNode(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "n1")
	old := c.nodes["n1"]
	c.connect(t, "n1", 5)
	if err := old.Pause(); err != nil {
		t.Fatal(err)
	}
	newer := start(t, c.backend)
	bob := dial(t, newer, "bob")
	if err := old.Continue(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- old.Wait() }()
	var exit *exec.ExitError
	if err := receive(t, ended, "the end of the older process"); !errors.As(err, &exit) || exitCode(exit.ExitCode()) != exitDuplicate {
		t.Errorf("the older process ends with %v, want exit code %d", err, exitDuplicate)
	}
	lines := strings.Split(strings.TrimSpace(c.log.String()), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, presence.ErrDuplicateNode.Error()) || !strings.Contains(last, "NODE_ID") {
		t.Errorf("the last that it says is %q", last)
	}
	if m := bob.ask(t, "90"); m.Value != "2880067194370816120" {
		t.Errorf("bob is answered %+v", m)
	}
	eventually(t, "bob alone is online", func() bool { return maps.Equal(newer.online(t), map[string]int{"bob": 1}) })
	verified(t, c.backend)
}

// Three nodes are killed, paused and cut off from the database at random for a minute,
// while hundreds of clients come and go: in the end the log, online, what the clients saw,
// and what a receiver of webhooks was told are one story.
func TestCluster_Storm(t *testing.T) {
	b, log, l := mongoBackend(t), logOf(t), listen(t)
	l.moody = true
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	cfg := witness.Config{
		Seed: seed, Clients: 150, For: time.Minute, Stay: 20 * time.Second,
		KillEvery: 12 * time.Second, Restart: 2 * time.Second,
		PauseEvery: 15 * time.Second, PauseFor: 15 * time.Second,
		CutEvery: 15 * time.Second, CutFor: 12 * time.Second,
		Bounds: promise, Patience: calmPatience, Say: t.Logf,
	}
	for _, id := range []string{"n1", "n2", "n3"} {
		link, through, err := witness.LinkTo(mongotest.URI(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(link.Close)
		cfg.Nodes = append(cfg.Nodes, witness.Node{ID: id, Link: link, Start: func() (*witness.Process, error) {
			cmd := command(b, id, log)
			cmd.Args = append(append(cmd.Args, "--mongodb-uri", through), l.flags()...)
			return witness.Start(cmd)
		}})
	}
	err := witness.Run(t.Context(), cfg, func(o witness.Outcome) {
		all := holdsWith(t, b, o.Sightings)
		lies, _ := witness.Lies(o.Answers, o.Sightings, o.Faults, promise)
		t.Logf("%d connections, %d events, %d faults", len(o.Sightings), len(all), len(o.Faults))
		t.Logf("lie-seconds: ghosts %s inside of the bounds and %s outside, missing %s and %s",
			lies.Ghost.Inside, lies.Ghost.Outside, lies.Missing.Inside, lies.Missing.Outside)
		if len(o.Sightings) < 300 {
			t.Errorf("there were %d connections, want hundreds", len(o.Sightings))
		}
		if len(o.Faults) < 3 {
			t.Errorf("there were %d faults: nothing was tested", len(o.Faults))
		}
		l.believes(t, slices.Sorted(maps.Keys(witness.Live(o.Sightings)))...)
		l.mu.Lock()
		defer l.mu.Unlock()
		t.Logf("%d posts of webhooks, and %d parts of resyncs", l.posts, l.parts)
	})
	if err != nil {
		t.Error(err)
	}
	if r := verified(t, b); r.Open != 0 {
		t.Errorf("%d connections are open after all nodes have left", r.Open)
	}
}

// Watchers on one node hear of who comes and goes on the other, and when that is killed,
// of the leave of all who were there; who watches a list only of those in it.
func TestCluster_Kill_WatchersHearOfIt(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "n1", "n2")
	there := &target{ws: c.nodes["n2"].Clients}
	all := watches(t, dial(t, there, "ana"), `{"type":"watch"}`)
	listed := watches(t, dial(t, there, "bob"), `{"type":"watch","users":["n1 1","n1 7"]}`)
	c.connect(t, "n1", 3)
	all.until(t, "those on n1", func() bool { return all.users() == "ana bob n1 0 n1 1 n1 2" })
	listed.until(t, "the one in the list", func() bool { return listed.users() == "n1 1" })
	c.nodes["n1"].Kill()
	all.until(t, "n1 is dead", func() bool { return all.users() == "ana bob" })
	listed.until(t, "n1 is dead", func() bool { return listed.users() == "" })
}
