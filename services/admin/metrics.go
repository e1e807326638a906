package admin

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metric is a number that GET /metrics gives, read when it is asked for; or several, one
// for each value of a label.
type Metric struct {
	Name  string // as Prometheus wants it: presence_…, a total ends in _total
	Help  string
	Total bool           // it only grows, since the process began
	Value func() float64 // nil: there is a label

	Label  string                    // its values are few, and none is chosen by a client
	Values func() map[string]float64 // by the value of the label
}

// Histogram is how often a duration was how long, or a number how large. Safe for
// concurrent use.
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

// NewSizes makes a histogram of numbers.
func NewSizes(name, help string, bounds ...float64) *Histogram {
	return &Histogram{prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: bounds})}
}

// Observe counts one duration. It does not allocate.
func (h *Histogram) Observe(d time.Duration) { h.histogram.Observe(d.Seconds()) }

// ObserveSize counts one number. It does not allocate.
func (h *Histogram) ObserveSize(n int) { h.histogram.Observe(float64(n)) }

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
	c := collector{metric: m, kind: prometheus.GaugeValue}
	if m.Total {
		c.kind = prometheus.CounterValue
	}
	var labels []string
	if m.Value == nil {
		labels = []string{m.Label}
	}
	c.desc = prometheus.NewDesc(m.Name, m.Help, labels, nil)
	return c
}

// collector is a Metric as Prometheus reads it.
type collector struct {
	metric Metric
	kind   prometheus.ValueType
	desc   *prometheus.Desc
}

var _ prometheus.Collector = collector{}

// Describe implements prometheus.Collector.
func (c collector) Describe(to chan<- *prometheus.Desc) { to <- c.desc }

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	if c.metric.Value != nil {
		to <- prometheus.MustNewConstMetric(c.desc, c.kind, c.metric.Value())
		return
	}
	for label, value := range c.metric.Values() {
		to <- prometheus.MustNewConstMetric(c.desc, c.kind, value, label)
	}
}
