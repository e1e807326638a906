package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// metricsOf is what GET /metrics says.
func metricsOf(t *testing.T, tg *target) string {
	t.Helper()
	resp, err := http.Get(tg.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// value is the value of one metric of a scrape, with its labels.
func value(t *testing.T, scraped, name string) float64 {
	t.Helper()
	line := regexp.MustCompile("(?m)^" + regexp.QuoteMeta(name) + " (.*)$").FindStringSubmatch(scraped)
	if line == nil {
		t.Errorf("no metric %s", name)
		return -1
	}
	v, err := strconv.ParseFloat(line[1], 64)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return v
}

// What happens in a small life is what GET /metrics says, each thing once.
func TestServe_Metrics(t *testing.T) {
	tg := start(t, embeddedBackend(t))
	a, b, c := dial(t, tg, "ana"), dial(t, tg, "ana"), dial(t, tg, "bob")
	for range 2 { // with the second push the first is through
		receive(t, c.times, "the time")
	}
	a.ask(t, `42`)
	a.ask(t, `{"type":"ping"}`)
	a.ask(t, `{"type":"fibonacci","n":1000}`) // for the pool
	a.ask(t, `nonsense`)
	for _, query := range []string{"", "?user=%00"} {
		if _, _, _, err := ws.Dial(t.Context(), tg.ws+"/ws"+query); err == nil {
			t.Errorf("%q was let in", query)
		}
	}
	if _, _, _, err := ws.Dial(t.Context(), tg.ws+"/nowhere?user=ana"); err == nil {
		t.Error("another path was let in")
	}
	kick(t, tg, `{"user":"bob"}`)
	_ = ws.WriteFrame(b.conn, ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, ""))))
	receive(t, b.closed, "the close of b")
	var text string
	eventually(t, "both have left", func() bool {
		text = metricsOf(t, tg) // not all of one moment: the last event may be recorded meanwhile
		return value(t, text, "presence_recorded_events_total") == 5 &&
			value(t, text, "presence_queue_events") == 0 && value(t, text, "presence_recording_lag_seconds") == 0
	})
	for name, want := range map[string]float64{
		"presence_connections": 1, "presence_users": 1, "presence_gateway_connections": 1, "presence_gateway_handshakes": 0,
		"presence_queue_events": 0, "presence_recording_lag_seconds": 0, "presence_store_failing_steps": 0,
		"presence_fenced_total": 0, "presence_takeovers_total": 0, "presence_ghosts_reaped_total": 0, "presence_online_mended_total": 0,
		"presence_streams_swept_total": 0, "presence_kicked_total": 1, "presence_connections_too_many_total": 0,
		`presence_gateway_handshakes_total{outcome="accepted"}`: 3, `presence_gateway_handshakes_total{outcome="refused_400"}`: 2,
		`presence_gateway_handshakes_total{outcome="refused_404"}`: 1, `presence_gateway_handshakes_total{outcome="refused_503"}`: 0,
		`presence_gateway_closes_total{code="4503"}`: 1, `presence_gateway_closes_total{code="1000"}`: 1, `presence_gateway_closes_total{code="1006"}`: 0,
		`presence_messages_total{type="fibonacci"}`: 2, `presence_messages_total{type="ping"}`: 1, `presence_messages_total{type="sequence"}`: 0,
		`presence_messages_total{type="invalid"}`: 1, `presence_messages_total{type="token"}`: 0,
		`presence_messages_total{type="who"}`: 0, `presence_messages_total{type="watch"}`: 0, `presence_messages_total{type="unwatch"}`: 0, `presence_errors_total{code="bad_request"}`: 1, `presence_errors_total{code="busy"}`: 0,
		"presence_fibonacci_seconds_count": 1, "presence_fibonacci_waiting": 0, "presence_fibonacci_running": 0,
		"presence_recording_batch_events_sum": 5, "presence_detection_lag_seconds_count": 0, "presence_gateway_pushes_skipped_total": 0,
	} {
		if got := value(t, text, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for name, least := range map[string]float64{
		"presence_gateway_push_lateness_seconds_count": 1, "presence_gateway_pushes_total": 1, "presence_recording_seconds_count": 1,
		"presence_recording_batch_events_count": 1, "presence_gateway_received_bytes_total": 400, "presence_gateway_sent_bytes_total": 700,
		"presence_queue_room_events": 2, "go_goroutines": 1,
	} {
		if got := value(t, text, name); got < least {
			t.Errorf("%s is %v, want at least %v", name, got, least)
		}
	}
	lint(t, text)
	documented(t, text)
}

// documented holds that docs/OPERATIONS.md has each metric.
func documented(t *testing.T, scraped string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)^# HELP (presence_[a-z_]*) ").FindAllStringSubmatch(scraped, -1) {
		if !regexp.MustCompile("`" + m[1] + "[{`]").Match(text) {
			t.Errorf("docs/OPERATIONS.md does not have %s", m[1])
		}
	}
	row := regexp.MustCompile("(?m)^.*`presence_messages_total.*$").Find(text)
	for _, m := range regexp.MustCompile(`(?m)^presence_messages_total\{type="([a-z]*)"`).FindAllStringSubmatch(scraped, -1) {
		if !bytes.Contains(row, []byte("`"+m[1]+"`")) {
			t.Errorf("docs/OPERATIONS.md does not have messages of the type %s", m[1])
		}
	}
}

// lint holds the names, types and help texts to Prometheus's rules.
func lint(t *testing.T, scraped string) {
	t.Helper()
	problems, err := promlint.New(strings.NewReader(scraped)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// A node that ends another's stream says how long the other had been silent, and how many
// it reaped.
func TestServe_Metrics_Takeover(t *testing.T) {
	b := embeddedBackend(t)
	tg, cmd := child(t, b)
	for i := range 3 {
		dial(t, tg, fmt.Sprint("u", i))
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	text := metricsOf(t, start(t, b))
	for name, want := range map[string]float64{
		"presence_takeovers_total": 1, "presence_ghosts_reaped_total": 3, "presence_detection_lag_seconds_count": 1, "presence_connections": 0,
	} {
		if got := value(t, text, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}
