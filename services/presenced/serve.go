package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/services/fibonacci"
	"github.com/presenced/presence/services/gateway"
	"github.com/presenced/presence/services/headcount"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/roster"
	"github.com/presenced/presence/services/session"
	"github.com/presenced/presence/services/site"
	"github.com/presenced/presence/services/timepush"
	"github.com/presenced/presence/services/webhook"
)

// serve runs the server until ctx ends, and then ends it in good order, or until it
// cannot go on. What is opened first is closed last.
func serve(ctx context.Context, cfg *config, env environment) (err error) {
	if err := cfg.validate(); err != nil {
		return usageError{err}
	}
	log, err := newLog(cfg, env.stderr)
	if err != nil {
		return err
	}
	limitMemory(log)
	store, err := cfg.openStore(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.close(context.WithoutCancel(ctx))) }()
	say := talk(env.stdout)
	say("store    %s", store.describe)

	pool := fibonacci.NewPool(fibonacci.Config{Workers: cfg.fibWorkers})
	defer pool.Close()
	s := &server{cfg: cfg, log: log, store: store}
	if err := s.open(ctx, pool); err != nil {
		return err
	}
	defer s.roster.Close()
	defer s.asker.Close()
	makeRoom(cfg.fibWorkers)
	defer s.proof.listen()()
	s.greet(say)
	return s.run(ctx, pool, env.lookup)
}

// server is the parts of a presenced that serve.
type server struct {
	// static after open
	cfg     *config
	log     *zap.Logger
	store   opened
	gateway gateway.Server
	member  *presence.Member
	expiry  *session.Expiry
	freshen func(context.Context) // keeps the keys of tokens fresh
	proof   *certificate          // nil: no TLS
	asker   *session.Asker
	roster  *roster.Roster
	hooks   *webhook.Poster // nil: nothing is posted
	count   *headcount.Count
	admin   *http.Server
	adminAt net.Listener

	histograms histograms

	leaving atomic.Bool // readiness is off
	until   time.Time   // when it must have left; set with leaving
}

// open takes the addresses, and then claims the epoch: a second server on the same
// port finds out before it has done anything.
func (s *server) open(ctx context.Context, pool *fibonacci.Pool) (err error) {
	host := &session.Host{Pool: pool, Limits: s.cfg.limits(), CommandRate: s.cfg.commandRate, Version: version()}
	if host.Sees, err = s.cfg.sees(); err != nil {
		return usageError{err}
	}
	if host.Algorithm, err = fibonacci.ParseAlgorithm(s.cfg.fibAlgorithm); err != nil {
		return usageError{err}
	}
	door, err := s.cfg.door(host)
	if err != nil {
		return usageError{err}
	}
	s.count = door.count
	host.Auth, s.freshen, err = s.cfg.auth.open(ctx, s.log)
	if err != nil {
		return err
	}
	if door.origins.Any() {
		s.log.Warn("every web page may connect in its visitor's name: ALLOWED_ORIGINS is *")
	}
	addrs, err := listenAddrs(ctx, s.cfg.wsHost, s.cfg.wsPort)
	if err != nil {
		return fmt.Errorf("WS_HOST (--ws-host) is %q: %w", s.cfg.wsHost, err)
	}
	s.expiry = &host.Expiry
	if s.proof, err = newCertificate(s.cfg, s.log); err != nil {
		return usageError{err}
	}
	s.histograms = newHistograms()
	host.Computed = s.histograms.computing.Observe
	s.gateway, err = gateway.Listen(addrs, gateway.Config{
		Handler: door, Preamble: s.cfg.preamble(door), HTTP: site.Handler(), Log: s.log, Farewell: farewell, Loops: cpus,
		TLS:    s.proof.config(),
		Shown:  door.detail.Of,
		Pushed: func(began time.Time) { s.histograms.pushes.Observe(timepush.Late(began, time.Now())) },
	})
	if err != nil {
		return fmt.Errorf("WS_PORT (--ws-port): %w", err)
	}
	if err := s.join(ctx, host, pool); err != nil {
		return errors.Join(err, s.gateway.Close())
	}
	return nil
}

// join claims an epoch for this node and opens the operator's API.
func (s *server) join(ctx context.Context, host *session.Host, pool *fibonacci.Pool) (err error) {
	s.adminAt, err = new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.adminAddr)
	if err != nil {
		return fmt.Errorf("ADMIN_ADDR (--admin-addr): %w", err)
	}
	bell := presence.NewBell(s.store.Changes, s.log)
	s.member, err = presence.New(s.store.Store, presence.Config{
		Node: s.cfg.nodeID, Addr: s.clientAddr(), Version: version(), Queue: s.queue(), Log: s.log,
		Recorded: func(events int, took time.Duration) {
			s.histograms.recorded(events, took)
			bell.Ring()
		},
		Declared: s.histograms.detection.Observe,
	})
	if err == nil {
		s.hook(bell)
		s.admin, err = s.operate(host, pool, bell)
	}
	if err == nil {
		host.Members = s.member
		s.see(host, bell)
		err = s.member.Start(ctx)
	}
	if err != nil {
		return errors.Join(err, s.adminAt.Close())
	}
	return nil
}

// see makes the parts that tell clients who is online.
func (s *server) see(host *session.Host, bell *presence.Bell) {
	s.asker = session.NewAsker(s.store.Online, s.log)
	s.roster = roster.New(roster.Config{Store: s.store.Store, Bell: bell, Grace: s.cfg.grace, Log: s.log})
	host.Asker, host.Roster = s.asker, s.roster
}

// queue is how many events may wait to be recorded. By default no client that the
// gateway has a socket for is refused for it while the store works.
func (s *server) queue() int {
	if s.cfg.queue > 0 {
		return s.cfg.queue
	}
	return 2 * s.gateway.MaxConns()
}

// errNotServing is why a server that is about to leave is not ready.
var errNotServing = errors.New("this node is leaving")

func (s *server) ready() error {
	if s.leaving.Load() {
		return errNotServing
	}
	return s.member.Ready()
}

// run serves until ctx ends, the stream is lost, or a part fails, and then leaves.
func (s *server) run(ctx context.Context, pool *fibonacci.Pool, lookup func(string) (string, bool)) error {
	parts, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	failed := make(chan error, 2) // one place for each part that may fail
	var wait sync.WaitGroup
	wait.Go(func() { failed <- s.gateway.Serve() })
	wait.Go(func() { failed <- ignoreClosed(s.admin.Serve(s.adminAt)) })
	wait.Go(func() { timepush.Run(parts, s.gateway.Broadcast) })
	wait.Go(func() { s.expiry.Run(parts) })
	wait.Go(func() { s.freshen(parts) })
	wait.Go(func() { s.proof.follow(parts) })
	wait.Go(func() { tuneCollector(parts, pool, lookup) })
	posting, stopPosting := context.WithCancel(parts)
	defer stopPosting()
	wait.Go(func() { s.post(posting) })

	var err error
	select {
	case <-ctx.Done():
		err = s.linger(failed)
	case <-s.member.Done():
	case err = <-failed:
	}
	stopPosting() // first, and so within the time to leave: another node goes on
	err = errors.Join(err, s.leave(), s.lost())
	stop()
	err = errors.Join(err, s.admin.Close())
	wait.Wait()
	return err
}

// lost is why this node could not go on to record, if it could not.
func (s *server) lost() error {
	select {
	case <-s.member.Done():
		return s.member.Err()
	default:
		return nil
	}
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
