package admin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/services/admin"
)

// A metric has a value, or one for each value of its label; a name that stands twice is an
// error at start, not at the first scrape.
func TestMetrics(t *testing.T) {
	h := admin.NewHistogram("presence_seconds", "A time.", time.Millisecond, time.Second)
	h.Observe(2 * time.Millisecond)
	n := admin.NewSizes("presence_events", "A size.", 1, 10)
	n.ObserveSize(7)
	number := admin.Metric{Name: "presence_things", Help: "Things.", Value: func() float64 { return 3 }}
	metrics, err := admin.Metrics([]admin.Metric{number, {
		Name: "presence_ends_total", Help: "Ends.", Total: true, Label: "code",
		Values: func() map[string]float64 { return map[string]float64{"1000": 2, "4503": 1} },
	}}, h, n)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	metrics.ServeHTTP(w, request(http.MethodGet, "/metrics", ""))
	for _, line := range []string{
		"# TYPE presence_things gauge", "presence_things 3", "# TYPE presence_ends_total counter",
		`presence_ends_total{code="1000"} 2`, `presence_ends_total{code="4503"} 1`,
		`presence_seconds_bucket{le="0.001"} 0`, `presence_seconds_bucket{le="1"} 1`, `presence_events_bucket{le="10"} 1`, "presence_events_sum 7",
	} {
		if !strings.Contains(w.Body.String(), "\n"+line+"\n") {
			t.Errorf("no line %q", line)
		}
	}
	if _, err := admin.Metrics([]admin.Metric{number, number}); err == nil {
		t.Error("a name may stand twice")
	}
}

// To observe does not allocate.
func BenchmarkHistogram_Observe(b *testing.B) {
	h := admin.NewHistogram("presence_seconds", "A time.", time.Millisecond, time.Second)
	b.ReportAllocs()
	for b.Loop() {
		h.Observe(2 * time.Millisecond)
	}
}
