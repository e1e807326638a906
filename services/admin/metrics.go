package admin

import (
	"net/http"

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

// Metrics serves metrics, and those of the Go runtime and of the process, in the text
// format of Prometheus.
func Metrics(metrics []Metric) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	all := []prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	for _, m := range metrics {
		all = append(all, m.collector())
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
