package outages

import (
	"context"
	"net/url"
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// proxy stands between presenced and its database.
type proxy struct {
	*toxiproxy.Proxy
	uri string // of the database, through the proxy
}

func newProxy(t *testing.T, database string) *proxy {
	t.Helper()
	through, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", through.Host)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	through.Host = p.Listen
	if through.Path == "" {
		through.Path = "/"
	}
	query := through.Query()
	query.Set("directConnection", "true") // to nobody else that the database tells of
	through.RawQuery = query.Encode()
	return &proxy{p, through.String()}
}

// outage is one way in which a database can be away.
type outage struct {
	begin, end func(*testing.T, *proxy)

	// slow says that it answers all the same, in its time.
	slow bool
}

var outages = map[string]outage{
	"refused":    {begin: refuse, end: listen},
	"reset":      {begin: toxic(`{"name":"x","type":"reset_peer","attributes":{"timeout":0}}`), end: removeToxic},
	"black hole": {begin: toxic(`{"name":"x","type":"timeout","attributes":{"timeout":0}}`), end: removeToxic},
	"2 s late":   {begin: toxic(`{"name":"x","type":"latency","attributes":{"latency":2000}}`), end: removeToxic, slow: true},
}

// refuse ends all connections and takes no new ones.
func refuse(_ *testing.T, p *proxy) { p.Stop() }

// listen takes connections again, at the same address.
func listen(t *testing.T, p *proxy) {
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
}

// toxic does something to all that the database answers, in JSON as toxiproxy's API
// has it.
func toxic(json string) func(*testing.T, *proxy) {
	return func(t *testing.T, p *proxy) {
		if _, err := p.Toxics.AddToxicJson(strings.NewReader(json)); err != nil {
			t.Fatal(err)
		}
	}
}

func removeToxic(t *testing.T, p *proxy) {
	if err := p.Toxics.RemoveToxic(context.Background(), "x"); err != nil {
		t.Fatal(err)
	}
}
