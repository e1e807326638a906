package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/presenced/presence/events"
)

// post sends JSON to the operator's API, and returns the status and the answer.
func post(t *testing.T, tg *target, path, body, token string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tg.admin+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(answer))
}

// kick asks for a kick with a minute to wait, and returns how many were asked for. All of
// them have gone.
func kick(t *testing.T, tg *target, body string) int {
	t.Helper()
	status, answer := post(t, tg, "/kick", strings.TrimSuffix(body, "}")+`,"wait":"1m"}`, "")
	var got struct{ Asked, Gone int }
	if err := json.Unmarshal([]byte(answer), &got); err != nil || status != http.StatusOK || got.Gone != got.Asked {
		t.Fatalf("kick %s: %d %s", body, status, answer)
	}
	return got.Asked
}

// kicked counts the disconnects for a kick in the log of a backend.
func kicked(t *testing.T, b backend) (n int) {
	t.Helper()
	store := b.open(t).Store
	streams, err := store.Log.Streams(t.Context(), events.Stream{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range streams {
		run, err := store.Log.Read(t.Context(), s.At(0), 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range run {
			if e.Type == events.Disconnected && e.Reason == events.Kicked {
				n++
			}
		}
	}
	return n
}

// Who is kicked hears 4503, is offline, is told of in the log, and may come back.
func TestServe_Kick(t *testing.T) {
	onEveryStore(t, func(t *testing.T, b backend) {
		tg := start(t, b)
		first, second, bob := dial(t, tg, "ana"), dial(t, tg, "ana"), dial(t, tg, "bob")
		if n := kick(t, tg, `{"user":"ana","reason":"go home"}`); n != 2 {
			t.Errorf("%d were asked for", n)
		}
		if got := tg.online(t); len(got) != 1 || got["bob"] != 1 {
			t.Errorf("online %v", got)
		}
		for _, c := range []*client{first, second} {
			if code := receive(t, c.closed, "the close"); code != 4503 {
				t.Errorf("closed with %d", code)
			}
		}
		again := dial(t, tg, "ana")
		if n := kick(t, tg, `{"connection":"`+again.welcome.Connection+`"}`); n != 1 {
			t.Errorf("%d were asked for", n)
		}
		if code := receive(t, again.closed, "the close"); code != 4503 {
			t.Errorf("closed with %d", code)
		}
		bob.ask(t, `{"type":"ping"}`)
		tg.stop()
		if n := kicked(t, b); n != 3 {
			t.Errorf("the log tells of %d kicks", n)
		}
		verified(t, b)
	})
}

// A kick reaches the connections that another node holds.
func TestServe_Kick_OnAnotherNode(t *testing.T) {
	b := mongoBackend(t)
	n1, n2 := start(t, b), start(t, b, "--node-id", "n2")
	here, there := dial(t, n1, "ana"), dial(t, n2, "ana")
	if n := kick(t, n1, `{"user":"ana"}`); n != 2 {
		t.Errorf("%d were asked for", n)
	}
	for _, c := range []*client{here, there} {
		if code := receive(t, c.closed, "the close"); code != 4503 {
			t.Errorf("closed with %d", code)
		}
	}
	if got := n2.online(t); len(got) != 0 {
		t.Errorf("online %v", got)
	}
	n1.stop()
	n2.stop()
	if n := kicked(t, b); n != 2 {
		t.Errorf("the log tells of %d kicks", n)
	}
	left, err := b.open(t).Kicks.Streams(t.Context())
	if err != nil || len(left) != 0 {
		t.Errorf("kicks of %v, %v", left, err)
	}
}

// The API works beside a server that serves: it verifies the store that it has open, and
// counts.
func TestServe_VerifyAndStats(t *testing.T) {
	onEveryStore(t, func(t *testing.T, b backend) {
		tg := start(t, b)
		dial(t, tg, "ana")
		status, answer := post(t, tg, "/verify", "{}", "")
		if want := `{"report":{"holds":true,"streams":1,"events":2,"open":1,"problems":0}}`; status != 200 || !strings.HasSuffix(answer, want) {
			t.Errorf("%d %s", status, answer)
		}
		resp, err := http.Get(tg.admin + "/stats?users=true")
		if err != nil {
			t.Fatal(err)
		}
		defer http.DefaultClient.CloseIdleConnections()
		defer resp.Body.Close()
		var got struct {
			Node struct {
				Node               string
				Epoch, Connections int
				Ready              bool
				Recorded           int
				Users, Sockets     int
			}
			Cluster struct{ Nodes, Connections, Users int }
		}
		if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		if n := got.Node; n.Node != "n1" || n.Epoch != 1 || n.Connections != 1 || !n.Ready || n.Recorded != 1 || n.Users != 1 || n.Sockets != 1 {
			t.Errorf("node %+v", n)
		}
		if c := got.Cluster; c.Nodes != 1 || c.Connections > 1 || c.Users != 1 {
			t.Errorf("cluster %+v", c)
		}
	})
}

// What is being recorded is no problem to verify, and its look at the file is no data race
// with who writes it.
func TestServe_VerifyBesideClients(t *testing.T) {
	const clients = 100 // each leaves a port behind that is not used again for a minute
	tg := start(t, embeddedBackend(t))
	defer http.DefaultClient.CloseIdleConnections()
	verified := make(chan struct{})
	go func() {
		defer close(verified)
		for range 20 {
			resp, err := http.Post(tg.admin+"/verify", "application/json", strings.NewReader("{}"))
			if err != nil {
				t.Error(err)
				return
			}
			answer, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || !strings.Contains(string(answer), `"holds":true`) {
				t.Errorf("%s, %v", answer, err)
			}
		}
	}()
	for n := range clients {
		c := dial(t, tg, fmt.Sprintf("user%d", n))
		if n%2 == 0 {
			_ = c.conn.Close()
		}
	}
	receive(t, verified, "twenty verifications")
}

// With a token the API may listen beyond loopback, and the log and the greeting never
// have it; health needs none.
func TestServe_AdminToken(t *testing.T) {
	const token = "correct-horse-battery"
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, flags := range map[string][]string{
		"loopback": {"--admin-token", token}, "everywhere": {"--admin-token", token, "--admin-addr", "0.0.0.0:0"},
	} {
		t.Run(name, func(t *testing.T) {
			tg := start(t, embeddedBackend(t), flags...)
			tg.admin = strings.ReplaceAll(tg.admin, "[::]", "127.0.0.1")
			dial(t, tg, "ana")
			for given, want := range map[string]int{"": 401, "correct-horse-batterY": 401, token: 200} {
				if status, answer := post(t, tg, "/kick", `{"user":"zoe"}`, given); status != want {
					t.Errorf("with %q: %d %s", given, status, answer)
				}
			}
			var out strings.Builder
			if err := health(t.Context(), strings.TrimPrefix(tg.admin, "http://"), &out); err != nil {
				t.Errorf("health: %v", err)
			}
			http.DefaultClient.CloseIdleConnections()
			tg.stop()
			if all := tg.log.String() + strings.Join(tg.said, "\n"); strings.Contains(all, token) {
				t.Errorf("the token is told: %s", all)
			}
		})
	}
}
