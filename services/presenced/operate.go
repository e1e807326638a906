package main

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/services/admin"
	"github.com/presenced/presence/services/fibonacci"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/session"
	"github.com/presenced/presence/services/site"
)

// operate makes the operator's API.
func (s *server) operate(host *session.Host, pool *fibonacci.Pool, bell *presence.Bell) (*http.Server, error) {
	metrics, err := admin.Metrics(s.metrics(host, pool), s.histograms.all()...)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	return &http.Server{
		Handler: admin.Handler(admin.Config{
			Page:  site.Operator(),
			Users: s.store.Online, History: presence.NewHistory(s.store.Store), Store: s.store.Store,
			Bell: bell, Kicker: s.member, Verify: s.verify, Ready: s.ready, Log: s.log, Metrics: metrics, Token: s.cfg.adminToken,
			Stats: func() admin.NodeStats { return s.stats(pool, started) },
		}),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       readRequest,
		ErrorLog:          zap.NewStdLog(s.log),
	}, nil
}

// readRequest is how long an operator's request may take to arrive: it is small.
const readRequest = 10 * time.Second

// verify is POST /verify: beside this node, which mends what it finds.
func (s *server) verify(ctx context.Context) (presence.Report, error) {
	return s.store.verifyLive(ctx, s.log)
}

// stats is what GET /stats says of this node.
func (s *server) stats(pool *fibonacci.Pool, started time.Time) admin.NodeStats {
	m, g, f, stream := s.member.Stats(), s.gateway.Stats(), pool.Stats(), s.member.Stream()
	return admin.NodeStats{
		Node: s.cfg.nodeID, Epoch: stream.Epoch, Version: version(), Go: runtime.Version(),
		StartedAt: started.UTC().Truncate(time.Millisecond), Uptime: int64(time.Since(started).Seconds()), Ready: s.ready() == nil,
		Connections: m.Connections, Users: s.member.Users(), Sockets: g.Connections, Handshakes: g.Handshakes,
		Queued: m.Queued, Room: m.Room, Failing: m.Failing, Computing: f.Running, Waiting: f.Waiting,
		Recorded: m.Recorded, Fenced: m.Fenced, Takeovers: m.Takeovers, Mended: m.Mended, Swept: m.Swept, Kicked: m.Kicked,
	}
}
