package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// webhookKey is the secret of the tests.
const webhookKey = "0123456789abcdef0123456789abcdef"

// listener is a receiver of webhooks that does what docs/OPERATIONS.md tells it to: it
// knows by the number what it had.
type listener struct {
	*httptest.Server
	hold chan struct{} // a post waits for it when it has done what it says

	mu      sync.Mutex
	refuse  bool // it answers 503
	hanging bool // it does not answer until hold is closed
	moody   bool // some posts it refuses, of some it says so although it has taken them
	online  map[string]bool
	number  uint64
	bodies  map[string]string // by id
	posts   int
	parts   int
	wrong   string
}

func listen(t *testing.T) *listener {
	t.Helper()
	l := &listener{hold: make(chan struct{}), online: make(map[string]bool), bodies: make(map[string]string)}
	l.Server = httptest.NewServer(l)
	t.Cleanup(l.Close)
	t.Cleanup(func() { close(l.hold) })
	return l
}

// flags are those of a presenced that posts to it, with what nobody is to see in its log.
func (l *listener) flags() []string {
	return []string{
		"--webhook-url", strings.Replace(l.URL, "http://", "http://me:hiddenpass@", 1) + "/?key=hiddenkey",
		"--webhook-secret", "whsec_" + base64.StdEncoding.EncodeToString([]byte(webhookKey)),
		"--grace", "100ms",
	}
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // its sender was killed
	}
	if status, hang := l.take(r, string(body)); hang {
		<-l.hold
	} else {
		w.WriteHeader(status)
	}
}

// take does what a delivery tells, and says how to answer.
func (l *listener) take(r *http.Request, body string) (status int, hang bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.posts++
	id := r.Header.Get("webhook-id")
	mac := hmac.New(sha256.New, []byte(webhookKey))
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, r.Header.Get("webhook-timestamp"), body)
	if signed := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("webhook-signature") != signed {
		l.wrong = "a signature that is none"
	}
	if before, again := l.bodies[id]; again && before != body {
		l.wrong = "a delivery that was another: " + before + ", and " + body
	}
	l.bodies[id] = body
	status = http.StatusNoContent
	if l.moody && l.posts%4 == 0 {
		status = http.StatusInternalServerError
	}
	if l.refuse || l.moody && l.posts%4 == 2 {
		return http.StatusServiceUnavailable, false
	}
	var m struct {
		Data struct {
			Number  uint64
			Resync  bool
			Part    int
			Changes []struct{ Type, User string }
		}
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		l.wrong = err.Error()
	}
	if m.Data.Number <= l.number {
		return status, l.hanging
	}
	l.number = m.Data.Number
	if m.Data.Resync {
		l.parts++
	}
	if m.Data.Part == 1 {
		clear(l.online)
	}
	for _, c := range m.Data.Changes {
		if l.online[c.User] == (c.Type == "join") {
			l.wrong = fmt.Sprintf("%+v, and so it is already: %v", c, l.online)
		}
		if l.online[c.User] = c.Type == "join"; c.Type == "leave" {
			delete(l.online, c.User)
		}
	}
	return status, l.hanging
}

// does changes how it answers from now on.
func (l *listener) does(refuse, hanging bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse, l.hanging = refuse, hanging
}

// believes waits until it was told that these are online, and nobody else.
func (l *listener) believes(t *testing.T, users ...string) {
	t.Helper()
	var got []string
	eventually(t, fmt.Sprintf("the receiver believes that %v are online", users), func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		got = slices.Sorted(maps.Keys(l.online))
		return l.wrong != "" || l.number > 0 && slices.Equal(got, users)
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wrong != "" {
		t.Fatal(l.wrong)
	}
}

// had reports whether a text was in a post, taken or not.
func (l *listener) had(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, body := range l.bodies {
		if strings.Contains(body, text) {
			return true
		}
	}
	return false
}

// asked waits until it was asked again and again.
func (l *listener) asked(t *testing.T, more int) {
	t.Helper()
	l.mu.Lock()
	from := l.posts
	l.mu.Unlock()
	eventually(t, "the receiver is asked again", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.posts >= from+more
	})
}

// Who comes and goes is posted, also what happened while the receiver was away or the
// server was not there; the secrets are in no log; and nothing is told twice or anew.
func TestServe_Webhook(t *testing.T) { onEveryStore(t, webhooks) }

func webhooks(t *testing.T, b backend) {
	l := listen(t)
	tg := start(t, b, l.flags()...)
	l.believes(t)
	ana := dial(t, tg, "ana")
	dial(t, tg, "bob")
	second := dial(t, tg, "bob")
	l.believes(t, "ana", "bob")
	_, _ = ana.conn.Close(), second.conn.Close()
	l.believes(t, "bob")

	l.does(true, false)
	dial(t, tg, "cat")
	l.asked(t, 2)
	text := metricsOf(t, tg)
	for name, want := range map[string]float64{
		"presence_webhook_leading": 1, "presence_webhook_resyncs_total": 1, `presence_webhook_posts_total{outcome="rejected"}`: 0,
	} {
		if got := value(t, text, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for name, least := range map[string]float64{
		"presence_webhook_lag_seconds": 0.001, "presence_webhook_changes_total": 4,
		`presence_webhook_posts_total{outcome="failed"}`: 1, `presence_webhook_posts_total{outcome="delivered"}`: 3,
	} {
		if got := value(t, text, name); got < least {
			t.Errorf("%s is %v, want at least %v", name, got, least)
		}
	}
	lint(t, text)
	documented(t, text)
	wantSecretsHidden(t, tg, "hiddenpass", "hiddenkey", base64.StdEncoding.EncodeToString([]byte(webhookKey)))
	if code := tg.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(tg.log.String(), "does not take webhooks") {
		t.Errorf("the log is %s", tg.log.String())
	}

	l.does(false, false)
	again := start(t, b, l.flags()...)
	l.believes(t)
	dial(t, again, "dan")
	l.believes(t, "dan")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.parts != 1 {
		t.Errorf("%d parts of resyncs: the second start has told all anew", l.parts)
	}
}

// Killed while it posts, when the receiver has done what it says and not answered yet, and
// again while the receiver is away: what comes after is right, and nothing is done twice.
func TestServe_Webhook_AfterKill(t *testing.T) { onEveryStore(t, webhooksAfterKill) }

func webhooksAfterKill(t *testing.T, b backend) {
	l := listen(t)
	tg, process := child(t, b, l.flags()...)
	dial(t, tg, "ana")
	l.believes(t, "ana")
	l.does(false, true)
	dial(t, tg, "bob")
	l.believes(t, "ana", "bob")
	_ = process.Process.Kill()
	_ = process.Wait()

	l.does(true, false)
	tg, process = child(t, b, l.flags()...)
	dial(t, tg, "cat")
	l.asked(t, 2)
	_ = process.Process.Kill()
	_ = process.Wait()

	l.does(false, false)
	tg = start(t, b, l.flags()...)
	l.believes(t)
	dial(t, tg, "bob")
	dial(t, tg, "dan")
	l.believes(t, "bob", "dan")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.parts != 1 {
		t.Errorf("%d parts of resyncs", l.parts)
	}
}

// A receiver that does not answer does not hold up a server that is told to stop.
func TestServe_Webhook_StopsWhileThereIsNoAnswer(t *testing.T) {
	l := listen(t)
	l.does(false, true)
	tg := start(t, embeddedBackend(t), l.flags()...)
	eventually(t, "it posts", func() bool { return value(t, metricsOf(t, tg), "presence_webhook_lag_seconds") > 0 })
	began := time.Now()
	if code := tg.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("it took %s", took)
	}
}

// Where nothing is posted there are no metrics of it.
func TestServe_Webhook_Off(t *testing.T) {
	tg := start(t, embeddedBackend(t))
	if text := metricsOf(t, tg); strings.Contains(text, "webhook") {
		t.Error("there are metrics of webhooks")
	}
}

// When the node that posts is killed, another goes on: nobody is told twice, and the users
// of the dead node leave.
func TestCluster_Kill_WebhooksGoOn(t *testing.T) {
	t.Parallel()
	l, b := listen(t), mongoBackend(t)
	first, process := child(t, b, l.flags()...)
	l.believes(t)
	second, _ := child(t, b, append(l.flags(), "--node-id", "n2")...)
	dial(t, first, "ana")
	dial(t, second, "bob")
	l.believes(t, "ana", "bob")
	if leads := value(t, metricsOf(t, second), "presence_webhook_leading"); leads != 0 {
		t.Error("both post")
	}
	_ = process.Process.Kill()
	dial(t, second, "cat")
	l.believes(t, "bob", "cat")
	if leads := value(t, metricsOf(t, second), "presence_webhook_leading"); leads != 1 {
		t.Error("nobody posts, and so nobody was told")
	}
}
