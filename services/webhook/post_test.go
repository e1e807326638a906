package webhook

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/services/presence"
)

func TestBackoff(t *testing.T) {
	for _, tt := range []struct {
		failed int
		a      answer
		random float64
		want   time.Duration
	}{
		{1, answer{}, 0, time.Second},
		{1, answer{}, 0.999999999, 500 * time.Millisecond},
		{2, answer{}, 0, 2 * time.Second},
		{9, answer{}, 0, 256 * time.Second},
		{10, answer{}, 0, 5 * time.Minute},
		{1 << 40, answer{}, 0.5, 225 * time.Second},
		{1, answer{after: 30 * time.Second}, 0, 30 * time.Second},
		{3, answer{after: time.Second}, 0, 4 * time.Second},
		{1, answer{after: 100_000 * time.Hour}, 0, 5 * time.Minute},
		{1, answer{gone: true}, 0, 5 * time.Minute},
	} {
		if got := backoff(tt.failed, tt.a, tt.random); (got - tt.want).Abs() > time.Millisecond {
			t.Errorf("after %d that failed, %+v: %s, want %s", tt.failed, tt.a, got, tt.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "120": 2 * time.Minute, "-1": 0, "1.5": 0, "soon": 0, "4294967295": 4294967295 * time.Second,
		"99999999999999999999":          0,
		"Mon, 23 Nov 2026 10:00:30 GMT": 30 * time.Second,
		"Mon, 23 Nov 2026 09:00:00 GMT": 0,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// posterTo is a poster to an address that does not run.
func posterTo(address string) *Poster {
	return New(Config{URL: mustURL(address), Secret: mustSecret(testSecret), Version: "v1", Bell: presence.NewBell(nil, zap.NewNop())})
}

// A post is what receivers' libraries verify, over a real connection.
func TestPoster_post(t *testing.T) {
	body := `{"type":"presence","user":"José <script>"}`
	var got *http.Request
	var text []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		text, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<20)) // which nobody asked for
	}))
	defer server.Close()
	p := posterTo(strings.Replace(server.URL, "http://", "http://user:pass@", 1) + "/hook?key=1")
	defer p.client.CloseIdleConnections()
	a := p.post(t.Context(), presence.HookDelivery{ID: "delivery-1", Body: body})
	if a.outcome != Delivered {
		t.Fatalf("%+v", a)
	}
	if err := verify(got.Header, string(text)); err != nil || string(text) != body {
		t.Errorf("%q: %v", text, err)
	}
	if user, pass, _ := got.BasicAuth(); got.Method != http.MethodPost || got.URL.String() != "/hook?key=1" || user != "user" || pass != "pass" {
		t.Errorf("%s %s by %s", got.Method, got.URL, user)
	}
	for field, want := range map[string]string{"Content-Type": "application/json", "User-Agent": "presenced/v1", "Webhook-Id": "delivery-1"} {
		if is := got.Header.Get(field); is != want {
			t.Errorf("%s is %q, want %q", field, is, want)
		}
	}
	if got.ContentLength != int64(len(body)) {
		t.Errorf("the length is %d", got.ContentLength)
	}
}

// Whatever a receiver answers is of one outcome, and what is said of it has nothing of the
// address that may be secret.
func TestPoster_post_outcomes(t *testing.T) {
	reached := 0
	mux := http.NewServeMux()
	mux.HandleFunc("/{status}", func(w http.ResponseWriter, r *http.Request) {
		var status int
		_, _ = fmt.Sscan(r.PathValue("status"), &status)
		w.Header().Set("Location", "/elsewhere/x")
		w.Header().Set("Retry-After", "9")
		w.WriteHeader(status)
	})
	mux.HandleFunc("/elsewhere/x", func(http.ResponseWriter, *http.Request) { reached++ })
	mux.HandleFunc("/cut/x", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	server := httptest.NewServer(mux)
	defer server.Close()
	for path, want := range map[string]Outcome{
		"/200": Delivered, "/202": Delivered, "/204": Delivered, "/299": Delivered,
		"/301": Redirected, "/302": Redirected, "/307": Redirected, "/308": Redirected, "/304": Redirected,
		"/400": Rejected, "/401": Rejected, "/404": Rejected, "/410": Rejected, "/429": Rejected,
		"/500": Failed, "/503": Failed, "/999": Failed,
		"/cut/x": Unreachable,
	} {
		p := posterTo(server.URL + path + "?key=hidden")
		a := p.post(t.Context(), presence.HookDelivery{ID: "d", Body: "{}"})
		p.client.CloseIdleConnections()
		if a.outcome != want || strings.Contains(a.why, "hidden") || a.gone != (path == "/410") {
			t.Errorf("%s: %+v, want %s", path, a, want)
		}
		if want != Unreachable && a.after != 9*time.Second {
			t.Errorf("%s: to be repeated after %s", path, a.after)
		}
	}
	if reached > 0 {
		t.Error("a redirect was followed")
	}
	server.Close()
	p := posterTo(server.URL + "/?key=hidden")
	if a := p.post(t.Context(), presence.HookDelivery{ID: "d", Body: "{}"}); a.outcome != Unreachable || strings.Contains(a.why, "hidden") {
		t.Errorf("nobody listens: %+v", a)
	}
}

// A receiver that never answers is given up.
func TestPoster_post_timeout(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	p := posterTo(server.URL)
	defer p.client.CloseIdleConnections()
	if a := p.post(ctx, presence.HookDelivery{ID: "d", Body: "{}"}); a.outcome != TimedOut {
		t.Errorf("%+v", a)
	}
}

func TestOutcome_String(t *testing.T) {
	seen := make(map[string]bool)
	for o := range outcomes {
		seen[o.String()] = true
	}
	if len(seen) != int(outcomes) || seen[""] || outcomes.String() != "outcome(6)" {
		t.Errorf("%v", seen)
	}
}
