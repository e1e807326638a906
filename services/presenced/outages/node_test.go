package outages

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/mongostore"
	"github.com/presenced/presence/services/mongostore/mongotest"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presenced/witness"
)

// patience is how long a test waits for something that must happen. It is long, since
// the machine may be busy; nothing is measured by it.
const patience = 90 * time.Second

// program is presenced, built once.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "presence-outages-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "presenced")
		if out, err := exec.Command("go", "-C", "../../..", "build", "-o", program, "./services/presenced").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build presenced: %v\n%s", err, out)
			return 1
		}
		code := m.Run()
		if err := goleak.Find(); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	}())
}

// node is a presenced whose database is behind a proxy.
type node struct {
	*witness.Process
	witness.Book

	proxy    *proxy
	database mongostore.Config // not through the proxy
	log      logged
}

func startNode(t *testing.T, flags ...string) *node {
	t.Helper()
	uri, database := mongotest.URI(t), mongotest.Database(t)
	n := &node{
		proxy:    newProxy(t, uri),
		database: mongostore.Config{URI: uri, Database: database},
	}
	cmd := exec.Command(program, append([]string{
		"--ws-host", "127.0.0.1", "--ws-port", "0", "--admin-addr", "127.0.0.1:0", "--node-id", "n1",
		"--mongodb-uri", n.proxy.uri, "--db-database", database,
		"--drain-timeout", "60s", "--log-format", "json",
	}, flags...)...)
	cmd.Stderr = &n.log
	var err error
	if n.Process, err = witness.Start(cmd); err != nil {
		t.Fatalf("%v\n%s", err, n.log.String())
	}
	t.Cleanup(func() {
		n.Kill()
		n.Close()
		http.DefaultClient.CloseIdleConnections()
		if t.Failed() {
			t.Logf("the server's log:\n%s", n.log.String())
		}
	})
	return n
}

// connect connects users, named with a word and a number, and does not wait for their
// welcomes.
func (n *node) connect(t *testing.T, word string, count int) []*witness.Client {
	t.Helper()
	var clients []*witness.Client
	for i := range count {
		c, err := n.Dial(t.Context(), "n1", n.Clients, fmt.Sprint(word, " ", i))
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	return clients
}

// welcomed waits until all clients that have not left are welcomed.
func (n *node) welcomed(t *testing.T) {
	t.Helper()
	eventually(t, "all are welcomed", func() bool {
		for _, s := range n.Sightings() {
			if s.Gone().IsZero() && len(s.Welcomes) == 0 {
				return false
			}
		}
		return true
	})
}

// status is what a path of the operator's API answers with.
func (n *node) status(t *testing.T, path string) int {
	t.Helper()
	resp, err := http.Get(n.Admin + path)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// metrics are the numbers without labels that the operator's API gives.
func (n *node) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	resp, err := http.Get(n.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all := make(map[string]float64)
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		var (
			name  string
			value float64
		)
		if n, _ := fmt.Sscan(lines.Text(), &name, &value); n == 2 && strings.HasPrefix(name, "presence_") {
			all[name] = value
		}
	}
	return all
}

// onlineIsTrue waits until online has exactly those who are connected.
func (n *node) onlineIsTrue(t *testing.T) {
	t.Helper()
	eventually(t, "online is who is connected", func() bool {
		online, err := witness.Online(t.Context(), n.Admin)
		return err == nil && maps.Equal(online, witness.Live(n.Sightings()))
	})
}

// holds ends the server in good order, and holds the log, online, and what the clients
// saw against each other.
func (n *node) holds(t *testing.T) {
	t.Helper()
	if err := n.Stop(); err != nil {
		t.Errorf("presenced ended with %v", err)
	}
	eventually(t, "all clients have seen the end", func() bool { return len(witness.Live(n.Sightings())) == 0 })
	db, err := mongostore.Open(t.Context(), n.database, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(context.Background()) }()
	report, err := presence.Verify(t.Context(), db.Store())
	if err != nil || !report.Holds() || report.Streams != 1 || report.Open != 0 {
		t.Errorf("verify: %+v, %v", report, err)
	}
	all, err := db.Store().Log.Read(t.Context(), events.Stream{Node: "n1", Epoch: 1}.At(0), int(report.Events)+1)
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range witness.Contradictions(all, n.Sightings(), true) {
		t.Error(wrong)
	}
}

// changes holds that each part of the server told once that the store fails, and once
// that it works again, in turn, and that all of them work in the end.
func (n *node) changes(t *testing.T) {
	t.Helper()
	failing, lines := make(map[string]bool), 0
	for text := range strings.Lines(n.log.String()) {
		var line struct{ Msg, Step string }
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.Step == "" {
			continue
		}
		lines++
		begins := strings.HasPrefix(line.Msg, "store fails")
		if begins == failing[line.Step] {
			t.Errorf("not a change of state: %s", text)
		}
		failing[line.Step] = begins
	}
	for step, still := range failing {
		if still {
			t.Errorf("%s fails to the end", step)
		}
	}
	if lines == 0 {
		t.Error("nothing is said of the outage")
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// logged is a log that is read while it is written.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
