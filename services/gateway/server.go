package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// push is a broadcast: one frame for all clients.
type push struct {
	frame []byte
	began time.Time // when Broadcast was called
}

// shared is what a server's loops and acceptor have in common.
type shared struct {
	// static after construction
	cfg      Config
	patience patience
	round    time.Duration // between two looks at parts of a loop's table
	http     *annex
	full     []byte  // the answer to one connection too many
	notHTTP  Refusal // of what is no request

	pipes sync.WaitGroup // goroutines of relays, and of acceptors

	sockets     atomic.Int64 // accepted and not ended
	conns       atomic.Int64 // upgraded, their session not closed
	handshakes  atomic.Int64
	outbound    atomic.Int64 // bytes that wait for clients to read, or in a mailbox
	pushed      atomic.Int64 // of broadcasts, written
	skipped     atomic.Int64 // of broadcasts, not written
	crowded     atomic.Int64 // connections that were one too many
	toldCrowded atomic.Int64 // Unix nanoseconds: when that was last said in the log
	latest      atomic.Pointer[push]
	complained  atomic.Bool // of a preamble
}

// server is the Server: a few event loops, over either transport.
type server struct {
	// static after construction
	*shared
	addrs    []netip.AddrPort
	loops    []*loop
	acceptor acceptor
	accepted chan struct{} // closed by Serve when the acceptor has ended
	done     chan struct{} // closed by Serve when all has ended, or by Shutdown before Serve

	mu    sync.Mutex
	stage stage
}

var _ Server = (*server)(nil)

// stage is how far a server has come.
type stage uint8

const (
	bound   stage = iota
	running       // Serve was called
	stopped       // Shutdown was called before Serve
)

// Listen binds every address ("127.0.0.1:8080", "[::1]:8080", ":0" for any free
// port of all interfaces), or none, and raises the soft limit of open files to the
// hard one. Errors name the address. Connections wait until Serve is called.
func Listen(addrs []string, cfg Config) (Server, error) {
	if len(addrs) == 0 {
		return nil, errors.New("gateway: no address to listen on")
	}
	files, err := raiseFiles()
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	cfg, err = cfg.complete(files)
	if err != nil {
		return nil, err
	}
	sh := newShared(cfg)
	t, err := listen(addrs, sh)
	if err != nil {
		return nil, err
	}
	s, err := newServer(sh, t)
	if err != nil {
		t.release()
		return nil, fmt.Errorf("gateway: %w", err)
	}
	return s, nil
}

func newShared(cfg Config) *shared {
	s := &shared{cfg: cfg, patience: cfg.patience(), full: appendRefusal(nil, refusalFull), notHTTP: refusalNotHTTP}
	if cfg.TLS != nil {
		s.notHTTP = refusalNotHTTPS
	}
	s.round = s.patience.round(cfg.HandshakeTimeout)
	return s
}

func newServer(sh *shared, t transport) (*server, error) {
	sh.http = newAnnex(sh.cfg.HTTP, sh.cfg.Log, net.TCPAddrFromAddrPort(t.addrs[0]))
	s := &server{shared: sh, addrs: t.addrs, accepted: make(chan struct{}), done: make(chan struct{})}
	for range sh.cfg.Loops {
		d, err := t.driver()
		if err != nil {
			s.releaseLoops()
			return nil, err
		}
		s.loops = append(s.loops, newLoop(sh, d))
	}
	a, err := t.acceptor(s.loops)
	if err != nil {
		s.releaseLoops()
		return nil, err
	}
	s.acceptor = a
	return s, nil
}

func (s *server) releaseLoops() {
	for _, l := range s.loops {
		l.release()
	}
}

// Addrs implements Server.
func (s *server) Addrs() []netip.AddrPort { return s.addrs }

// MaxConns implements Server.
func (s *server) MaxConns() int { return s.cfg.MaxConns }

// Serve implements Server.
func (s *server) Serve() error {
	s.mu.Lock()
	stage := s.stage
	if stage == bound {
		s.stage = running
	}
	s.mu.Unlock()
	switch stage {
	case running:
		return errors.New("gateway: Serve was called twice")
	case stopped:
		return nil
	case bound:
	}
	defer close(s.done)
	failures := make(chan error, len(s.loops)+1) // one place for each goroutine below
	var all, web sync.WaitGroup
	web.Go(s.http.run)
	all.Go(func() {
		defer close(s.accepted)
		failures <- s.acceptor.run()
	})
	for _, l := range s.loops {
		all.Go(func() { failures <- l.run() })
	}
	var fatal error
	for range cap(failures) {
		if err := <-failures; err != nil && fatal == nil {
			fatal = fmt.Errorf("gateway: %w", err)
			s.StopAccepting()
			s.tell(letter{kind: cut})
		}
	}
	all.Wait()
	if fatal != nil {
		s.http.shutdown(ended)
	}
	web.Wait()
	<-s.http.finished
	s.http.discard()
	s.pipes.Wait()
	return fatal
}

// Broadcast implements Server: one frame that all loops share. A loop that has not
// finished the one before goes on with this one.
func (s *server) Broadcast(payload []byte) {
	s.latest.Store(&push{frame: appendFrame(nil, opText, payload), began: time.Now()})
	for _, l := range s.loops {
		l.mail.wake()
	}
}

// Stats implements Server.
func (s *server) Stats() Stats {
	return Stats{
		Connections: int(s.conns.Load()),
		Handshakes:  int(s.handshakes.Load()),
		Outbound:    s.outbound.Load(),
		Pushed:      s.pushed.Load(),
		Skipped:     s.skipped.Load(),
	}
}

// Totals implements Server.
func (s *server) Totals() Totals {
	t := Totals{
		Refused: map[int]int64{http.StatusServiceUnavailable: s.crowded.Load()},
		Closed:  make(map[int]int64),
	}
	for _, l := range s.loops {
		l.tally.addTo(&t)
	}
	return t
}

// StopAccepting implements Server.
func (s *server) StopAccepting() {
	s.acceptor.stop()
}

// Shutdown implements Server.
func (s *server) Shutdown(ctx context.Context) error {
	if !s.running() {
		return nil
	}
	s.StopAccepting()
	select {
	case <-s.accepted:
	case <-s.done:
	}
	s.sendAway(ctx)
	s.tell(letter{kind: finish})
	s.http.shutdown(ctx)
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
	}
	s.tell(letter{kind: cut})
	<-s.done
	return ctx.Err()
}

// Close implements Server.
func (s *server) Close() error {
	_ = s.Shutdown(ended)
	return nil
}

// ended is a context that waits for nothing.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// running reports whether there is something to shut down. A server that does not
// serve yet is released, and never will.
func (s *server) running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stage == bound {
		s.stage = stopped
		s.acceptor.release()
		s.releaseLoops()
		close(s.done)
	}
	return s.stage == running
}

func (s *server) tell(l letter) {
	for _, loop := range s.loops {
		loop.mail.put(l)
	}
}

// sendAway tells clients to leave at a pace. It returns before the last of them.
func (s *server) sendAway(ctx context.Context) {
	began := time.Now()
	left := time.Duration(1<<63 - 1)
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
	}
	over := drainTime(int(s.conns.Load()), left)
	if over == 0 {
		return
	}
	totals, told := make([]int, len(s.loops)), make([]int, len(s.loops))
	for i, l := range s.loops {
		totals[i] = int(l.load.Load())
	}
	tick := time.NewTicker(drainRound)
	defer tick.Stop()
	for elapsed := drainRound; elapsed < over; elapsed = time.Since(began) + drainRound {
		for i, l := range s.loops {
			n := drained(totals[i], elapsed, over)
			l.mail.put(letter{kind: drain, count: n - told[i]})
			told[i] = n
		}
		select {
		case <-tick.C:
		case <-s.done:
			return
		case <-ctx.Done():
			return
		}
	}
}
