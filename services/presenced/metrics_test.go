package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
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

// GET /metrics says what goes on, with a help text for each metric.
func TestServe_Metrics(t *testing.T) {
	tg := start(t, embeddedBackend(t))
	var c *client
	for i := range 3 {
		c = dial(t, tg, fmt.Sprint("u", i))
	}
	for range 2 { // with the second push the first is through
		receive(t, c.times, "the time")
	}
	text := metricsOf(t, tg)
	for _, line := range []string{
		"presence_gateway_connections 3", "presence_connections 3", "presence_recorded_events_total 3",
		"presence_queue_events 0", "presence_store_failing_steps 0", "presence_fenced_total 0", "go_goroutines ",
		"# HELP presence_gateway_push_lateness_seconds ", `presence_gateway_push_lateness_seconds_bucket{le="1"} `,
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("no line %q", line)
		}
	}
	if strings.Contains(text, "presence_gateway_push_lateness_seconds_count 0\n") {
		t.Error("no push was counted")
	}
	for _, m := range new(server).metrics(nil) {
		if !strings.Contains(text, "# HELP "+m.Name+" ") || strings.HasSuffix(m.Name, "_total") != m.Total {
			t.Errorf("%s: no help, or a name that does not fit", m.Name)
		}
	}
}
