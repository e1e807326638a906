package admin

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metric is one number that GET /metrics gives, read when it is asked for.
type Metric struct {
	Name  string // as Prometheus wants it: presence_…, a total ends in _total
	Help  string
	Total bool // it only grows, since the process began
	Value func() float64
}

// Histogram is how often a duration was how long. Safe for concurrent use.
type Histogram struct{ histogram prometheus.Histogram }

// NewHistogram makes a histogram of durations in seconds. bounds are the upper ends of
// its buckets, ascending; what is longer than the last is counted too.
func NewHistogram(name, help string, bounds ...time.Duration) *Histogram {
	buckets := make([]float64, len(bounds))
	for i, b := range bounds {
		buckets[i] = b.Seconds()
	}
	return &Histogram{prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})}
}

// Observe counts one duration. It does not allocate.
func (h *Histogram) Observe(d time.Duration) { h.histogram.Observe(d.Seconds()) }

// Metrics serves metrics and histograms, and those of the Go runtime and of the process, in the text
// format of Prometheus.
func Metrics(metrics []Metric, histograms ...*Histogram) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	all := []prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	for _, m := range metrics {
		all = append(all, m.collector())
	}
	for _, h := range histograms {
		all = append(all, h.histogram)
	}
	for _, c := range all {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), nil
}

func (m Metric) collector() prometheus.Collector {
	if m.Total {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: m.Name, Help: m.Help}, m.Value)
	}
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: m.Name, Help: m.Help}, m.Value)
}
