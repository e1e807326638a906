package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"github.com/presenced/presence/clientctl/load/report"
	"github.com/presenced/presence/clientctl/scripted"
	"github.com/presenced/presence/services/protocol"
)

// peer is the server's end of one connection.
type peer struct {
	net.Conn
	number int
}

// send sends a text, and returns false if the client is gone.
func (p *peer) send(text string) bool {
	frame, err := ws.CompileFrame(ws.NewTextFrame([]byte(text)))
	if err != nil {
		return false
	}
	_, err = p.Write(frame)
	return err == nil
}

// readFrame reads a frame of a client, and takes its mask off.
func readFrame(r io.Reader) (h ws.Header, payload []byte, err error) {
	if h, err = ws.ReadHeader(r); err != nil {
		return h, nil, err
	}
	payload = make([]byte, h.Length)
	_, err = io.ReadFull(r, payload)
	ws.Cipher(payload, h.Mask, 0)
	return h, payload, err
}

func (p *peer) close(code ws.StatusCode, reason string) {
	frame, err := ws.CompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(code, reason)))
	if err == nil {
		p.Write(frame)
	}
}

// behaviour is what a server does. The zero value is a server that does all well, in no
// time.
type behaviour struct {
	refuse      int           // answers every upgrade with this status
	beforeHello time.Duration // until the welcome
	noWelcome   bool
	noTicks     bool
	skip        int64         // leaves out a tick if its second divides by this
	late        time.Duration // each tick
	think       time.Duration // until an answer
	standStill  time.Duration // answers nothing until so long after the upgrade
	noAnswers   bool
	refuseWith  protocol.Code                // answers all commands so
	deaf        bool                         // reads nothing after the upgrade, for a minute
	noGoodbye   bool                         // does not answer a close frame
	then        func(context.Context, *peer) // done beside the rest, with the end of the connection
}

// serve plays the behaviour to one client.
func (b behaviour) serve(p *peer) {
	if b.refuse != 0 {
		u := ws.Upgrader{OnBeforeUpgrade: func() (ws.HandshakeHeader, error) {
			return nil, ws.RejectConnectionError(ws.RejectionStatus(b.refuse), ws.RejectionReason("no room\x1b"))
		}}
		_, _ = u.Upgrade(p)
		return
	}
	if _, err := (ws.Upgrader{}).Upgrade(p); err != nil {
		return
	}
	b.converse(p)
}

// converse plays it after the upgrade.
func (b behaviour) converse(p *peer) {
	if b.deaf {
		p.send(`{"type":"welcome"}`)
		<-time.After(time.Minute)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	var beside sync.WaitGroup
	defer beside.Wait()
	defer p.Close()
	defer cancel()
	if !b.noTicks {
		beside.Go(func() { b.tick(ctx, p) })
	}
	if b.then != nil {
		beside.Go(func() { b.then(ctx, p) })
	}
	if !b.noWelcome {
		beside.Go(func() {
			<-time.After(b.beforeHello)
			p.send(`{"type":"welcome","connection":"c","user":"u","node":"n"}`)
		})
	}
	b.answer(p, &beside)
}

func (b behaviour) tick(ctx context.Context, p *peer) {
	for {
		next := time.Now().Truncate(time.Second).Add(time.Second)
		select {
		case <-time.After(time.Until(next) + b.late):
		case <-ctx.Done():
			return
		}
		if b.skip > 0 && next.Unix()%b.skip == 0 {
			continue
		}
		if !p.send(string(protocol.AppendTime(nil, next))) {
			return
		}
	}
}

func (b behaviour) answer(p *peer, beside *sync.WaitGroup) {
	began := time.Now()
	for {
		h, payload, err := readFrame(p)
		if err != nil {
			return
		}
		switch h.OpCode {
		case ws.OpClose:
			if !b.noGoodbye {
				p.close(ws.StatusNormalClosure, "")
				return
			}
		case ws.OpText:
			if b.noAnswers {
				continue
			}
			var c protocol.Command
			if bad := protocol.Parse(payload, protocol.Limits{MaxFibonacci: 1000}, &c); bad != nil {
				p.close(ws.StatusProtocolError, bad.Message)
				return
			}
			ready := max(b.think, b.standStill-time.Since(began))
			id := string(c.ID)
			beside.Go(func() {
				<-time.After(ready)
				if b.refuseWith != "" {
					p.send(`{"type":"error","id":` + id + `,"code":"` + string(b.refuseWith) + `","message":"no"}`)
					return
				}
				p.send(string(protocol.AppendFibonacciUint(nil, []byte(id), 90, 2880067194370816120, "fast-doubling", 0)))
			})
		}
	}
}

// play runs a load against a server that does what each of the behaviours says to the
// connection of that number, the last to all others, on a fake clock and in memory. It is
// interrupted after a time; 0: it is not.
func play(t *testing.T, interrupt time.Duration, configure func(*Config), behaviours ...behaviour) (r *report.Report, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		pipe := scripted.NewPipe()
		var serving sync.WaitGroup
		serving.Go(func() {
			for i := 0; ; i++ {
				c, err := pipe.Accept()
				if err != nil {
					return
				}
				b := behaviours[min(i, len(behaviours)-1)]
				serving.Go(func() {
					defer c.Close()
					b.serve(&peer{c, i})
				})
			}
		})
		c := Config{
			URL:         &url.URL{Scheme: "ws", Host: "h", Path: "/ws"},
			Connections: 10, Rate: 10, Hold: 5 * time.Second,
			Run:     "run",
			User:    func(i int) string { return fmt.Sprint("u", i) },
			NetDial: pipe.Dial,
		}
		if configure != nil {
			configure(&c)
		}
		if interrupt > 0 {
			time.AfterFunc(interrupt, cancel)
		}
		began := time.Now()
		var err error
		r, err = Run(ctx, c)
		took = time.Since(began)
		if err != nil {
			t.Error(err)
		}
		pipe.Close()
		serving.Wait()
	})
	return r, took
}

func TestRun_sees_what_there_was(t *testing.T) {
	r, took := play(t, 0, func(c *Config) {
		c.Hold, c.Commands, c.N = 5*time.Second, 10, 90
	}, behaviour{beforeHello: 7 * time.Millisecond, late: 3 * time.Millisecond, think: 20 * time.Millisecond})
	if want := (report.Connections{Asked: 10, Upgraded: 10, Welcomed: 10}); r.Connections != want {
		t.Errorf("%+v", r.Connections)
	}
	if r.Ticks.Received != 50 || r.Ticks.Missed != 0 || r.Ticks.Early != 0 {
		t.Errorf("%+v", r.Ticks)
	}
	if r.Commands.Sent != 50 || r.Commands.Answered != 50 || r.Commands.Failed != 0 {
		t.Errorf("%+v", r.Commands)
	}
	for name, tt := range map[string]struct {
		h    report.Histogram
		want time.Duration
	}{
		"connect": {r.Connect, 0}, "welcome": {r.Welcome, 7 * time.Millisecond},
		"lateness": {r.Ticks.Lateness, 3 * time.Millisecond}, "command": {r.Commands.Latency, 20 * time.Millisecond},
		"own delay": {r.Delay, 0},
	} {
		near(t, name+", the least", tt.h.Quantile(0), tt.want)
		near(t, name+", the most", tt.h.Max(), tt.want)
	}
	if n := len(r.Errors.Connect) + len(r.Errors.Lost) + len(r.Errors.Command); n != 0 {
		t.Errorf("%+v", r.Errors)
	}
	if r.Interrupted || r.Runs[0] != "run" || r.Servers[0] != "ws://h/ws" {
		t.Errorf("%+v", r)
	}
	if took < 6*time.Second || took > 7*time.Second { // 0.9 s of connects, 5 s, 0.9 s of closes
		t.Errorf("took %s", took)
	}
}

// near holds that a time of a histogram, which has three digits, is what it should be.
func near(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if got < want || got > want+want/500+time.Microsecond {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// A server that answers nothing for a second, and then all at once, is charged for each
// command that was due in that second.
func TestRun_counts_from_when_it_was_due(t *testing.T) {
	r, _ := play(t, 0, func(c *Config) {
		c.Connections, c.Hold, c.Commands = 1, 2*time.Second, 10
	}, behaviour{standStill: time.Second})
	if r.Commands.Answered != 20 {
		t.Fatalf("%+v", r.Commands)
	}
	near(t, "the longest", r.Commands.Latency.Max().Round(20*time.Millisecond), time.Second)
	if median := r.Commands.Latency.Quantile(0.75); median < 450*time.Millisecond {
		t.Errorf("a quarter took only %s", median)
	}
}

func TestRun_counts_what_goes_wrong_by_its_kind(t *testing.T) {
	well := behaviour{}
	after := func(d time.Duration, do func(*peer)) func(context.Context, *peer) {
		return func(ctx context.Context, p *peer) {
			select {
			case <-time.After(d):
				do(p)
			case <-ctx.Done():
			}
		}
	}
	commands := func(c *Config) { c.Hold, c.Commands = 5*time.Second, 10 }
	for name, tt := range map[string]struct {
		configure             func(*Config)
		one                   behaviour // what the first connection sees; the others see no fault
		connect, lost, failed map[string]int64
		missed                int64
	}{
		"refused":                                      {one: behaviour{refuse: http.StatusServiceUnavailable}, connect: kinds("http_503", 1)},
		"closed instead of a welcome":                  {one: behaviour{noWelcome: true, then: after(0, func(p *peer) { p.close(4504, "too many") })}, connect: kinds("closed_4504", 1)},
		"dropped before the welcome":                   {one: behaviour{noWelcome: true, then: after(0, func(p *peer) { p.Close() })}, connect: kinds("hung_up", 1)},
		"never welcomed":                               {one: behaviour{noWelcome: true}, connect: kinds("no_welcome", 1)},
		"closed on the way":                            {one: behaviour{then: after(3*time.Second+time.Millisecond, func(p *peer) { p.close(1012, "") })}, lost: kinds("closed_1012", 1)},
		"closed without a code":                        {one: behaviour{then: after(2500*time.Millisecond, func(p *peer) { p.Write([]byte{0x88, 0}) })}, lost: kinds("closed", 1)},
		"dropped on the way":                           {one: behaviour{then: after(2500*time.Millisecond, func(p *peer) { p.Close() })}, lost: kinds("hung_up", 1)},
		"breaks the protocol":                          {one: behaviour{then: after(2500*time.Millisecond, func(p *peer) { p.Write([]byte{0x83, 0}) })}, lost: kinds("protocol", 1)},
		"says what is no message":                      {one: behaviour{then: after(2500*time.Millisecond, func(p *peer) { p.send("nonsense") })}, lost: kinds("other", 1)},
		"does not say goodbye":                         {one: behaviour{noGoodbye: true}, lost: kinds("close_unanswered", 1)},
		"no ticks":                                     {one: behaviour{noTicks: true}, missed: 4},
		"every second tick is left out":                {one: behaviour{skip: 2}, missed: 2},
		"a drain, which is no error":                   {one: behaviour{then: after(time.Second, func(p *peer) { p.send(`{"type":"drain","reconnectAfterMs":5}`) })}},
		"a ping, which is answered":                    {one: behaviour{then: after(time.Second, func(p *peer) { p.Write([]byte{0x89, 1, 'x'}) })}},
		"commands that are not answered":               {configure: commands, one: behaviour{noAnswers: true}, failed: kinds("timeout", 5)},
		"commands that are refused":                    {configure: commands, one: behaviour{refuseWith: protocol.RateLimited}, failed: kinds("rate_limited", 5)},
		"commands that are refused by an unknown code": {configure: commands, one: behaviour{refuseWith: "\\u001b[31m"}, failed: kinds("other", 5)},
		"commands that take too long":                  {configure: commands, one: behaviour{think: 11 * time.Second}, failed: kinds("timeout", 5)},
		"commands of a lost connection": {
			configure: commands, one: behaviour{noAnswers: true, then: after(4500*time.Millisecond, func(p *peer) { p.Close() })},
			lost: kinds("hung_up", 1), failed: kinds("connection_lost", 4),
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := play(t, 0, tt.configure, tt.one, well)
			wantKinds(t, "connect", r.Errors.Connect, tt.connect)
			wantKinds(t, "lost", r.Errors.Lost, tt.lost)
			wantKinds(t, "command", r.Errors.Command, tt.failed)
			c := r.Connections
			if c.Failed != sum(tt.connect) || c.Lost != sum(tt.lost) || c.Welcomed+c.Failed != c.Asked || r.Commands.Failed != sum(tt.failed) {
				t.Errorf("%+v, %+v", c, r.Commands)
			}
			if r.Commands.Sent != r.Commands.Answered+r.Commands.Failed || r.Ticks.Missed != tt.missed {
				t.Errorf("%+v, %d ticks missed, want %d", r.Commands, r.Ticks.Missed, tt.missed)
			}
		})
	}
}

func kinds(kind string, n int64) map[string]int64 { return map[string]int64{kind: n} }

func sum(kinds map[string]int64) (n int64) {
	for _, k := range kinds {
		n += k
	}
	return n
}

func wantKinds(t *testing.T, when string, got report.Kinds, want map[string]int64) {
	t.Helper()
	for kind, n := range want {
		if got[kind].Count != n {
			t.Errorf("%s: %d times %s, want %d", when, got[kind].Count, kind, n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %+v, want %v", when, got, want)
	}
}

// A server that stops reading holds nobody up: the commands to others are sent, and its
// connection is given up.
func TestRun_a_server_that_does_not_read(t *testing.T) {
	r, took := play(t, 0, func(c *Config) {
		// A write at a time, since those of a pipe wait for each other in a way that
		// the fake clock does not know.
		c.Connections, c.Hold, c.Commands = 2, 30*time.Second, 0.19
	}, behaviour{deaf: true}, behaviour{})
	wantKinds(t, "lost", r.Errors.Lost, kinds("not_reading", 1))
	if r.Connections.Lost != 1 || r.Commands.Answered != 5 || r.Errors.Command["connection_lost"].Count != 1 || took > 45*time.Second {
		t.Errorf("%+v, %+v, %+v after %s", r.Connections, r.Commands, r.Errors, took)
	}
}

// With nobody left there is nothing to hold.
func TestRun_ends_when_all_are_lost(t *testing.T) {
	r, took := play(t, 0, func(c *Config) { c.Hold = time.Hour }, behaviour{then: func(ctx context.Context, p *peer) {
		<-time.After(3 * time.Second)
		p.Close()
	}})
	if r.Connections.Lost != 10 || took > 5*time.Second {
		t.Errorf("%+v after %s", r.Connections, took)
	}
	r, took = play(t, 0, func(c *Config) { c.Hold = time.Hour }, behaviour{refuse: 401})
	if r.Connections.Failed != 10 || took > 2*time.Second || r.Errors.Connect["http_401"].Example == "" {
		t.Errorf("%+v, %+v after %s", r.Connections, r.Errors, took)
	}
}

// An interruption is nobody's fault: what it cuts off is no error.
func TestRun_interrupted(t *testing.T) {
	never := behaviour{noWelcome: true}
	for name, tt := range map[string]struct {
		at   time.Duration
		all  behaviour
		want report.Connections
	}{
		"while connections are opened":  {450 * time.Millisecond, behaviour{}, report.Connections{Asked: 10, Upgraded: 5, Welcomed: 5}},
		"while they are held":           {3500 * time.Millisecond, behaviour{}, report.Connections{Asked: 10, Upgraded: 10, Welcomed: 10}},
		"while a welcome is waited for": {3500 * time.Millisecond, never, report.Connections{Asked: 10, Upgraded: 10}},
		"while an answer is waited for": {7500 * time.Millisecond, behaviour{noAnswers: true}, report.Connections{Asked: 10, Upgraded: 10, Welcomed: 10}},
		"while they are closed":         {16500 * time.Millisecond, behaviour{noAnswers: true}, report.Connections{Asked: 10, Upgraded: 10, Welcomed: 10}},
	} {
		t.Run(name, func(t *testing.T) {
			r, took := play(t, tt.at, func(c *Config) { c.Hold, c.Commands = 5*time.Second, 10 }, tt.all)
			if r.Connections != tt.want || !r.Interrupted {
				t.Errorf("%+v, interrupted: %t", r.Connections, r.Interrupted)
			}
			if len(r.Errors.Connect)+len(r.Errors.Lost) != 0 || tt.at < 10*time.Second && len(r.Errors.Command) != 0 {
				t.Errorf("%+v", r.Errors)
			}
			if took < tt.at || took > tt.at+100*time.Millisecond {
				t.Errorf("took %s", took)
			}
		})
	}
}

// A server that takes connections and never answers the upgrade.
func TestRun_an_upgrade_that_is_not_answered(t *testing.T) {
	r, took := play(t, 0, func(c *Config) {
		c.NetDial = func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go io.Copy(io.Discard, server) // ends with the client
			return client, nil
		}
	}, behaviour{})
	wantKinds(t, "connect", r.Errors.Connect, kinds("timeout", 10))
	if took > DefaultTimeout+2*time.Second {
		t.Errorf("took %s", took)
	}
}

// Connects that a slow server does not get to are late, and say so.
func TestRun_a_connect_counts_from_when_it_was_due(t *testing.T) {
	r, _ := play(t, 0, func(c *Config) {
		c.Connections, c.Rate, c.Hold = maxUnfinished+1, 100_000, 0
		dial := c.NetDial
		c.NetDial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			select {
			case <-time.After(2 * time.Second):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			return dial(ctx, network, addr)
		}
	}, behaviour{})
	if r.Connections.Welcomed != maxUnfinished+1 || r.Connect.Max() < 3900*time.Millisecond {
		t.Errorf("%+v, the last after %s", r.Connections, r.Connect.Max())
	}
}

func TestRun_tells_how_it_goes(t *testing.T) {
	var told []Progress
	play(t, 0, func(c *Config) {
		c.Commands, c.Every = 10, 500*time.Millisecond
		c.Watch = func(p Progress) { told = append(told, p) }
	}, behaviour{})
	if len(told) < 10 {
		t.Fatalf("told %d times", len(told))
	}
	for i := 1; i < len(told); i++ {
		a, b := told[i-1], told[i]
		if b.Done < a.Done || b.Phase < a.Phase || b.Ticks < a.Ticks || b.Done > 1 {
			t.Errorf("after %+v comes %+v", a, b)
		}
	}
	if middle := told[len(told)/2]; middle.Phase != Holding || middle.Open != 10 || middle.Answered == 0 || middle.Asked != 10 {
		t.Errorf("in the middle: %+v", middle)
	}
	if last := told[len(told)-1]; last.Phase != Closing || last.Open != 0 || last.Errors != 0 {
		t.Errorf("in the end: %+v", last)
	}
}

func TestKindOf(t *testing.T) {
	for want, err := range map[string]error{
		"timeout": context.DeadlineExceeded,
		"hung_up": fmt.Errorf("read: %w", io.ErrUnexpectedEOF),
		"other":   errors.New("whatever"),
	} {
		if kind, _ := kindOf(err); kind != want {
			t.Errorf("%v is of kind %s, want %s", err, kind, want)
		}
	}
}

func TestDialer_request(t *testing.T) {
	c := Config{
		URL: &url.URL{Scheme: "ws", Host: "h:1", RawQuery: "a=b"}, Agent: "agent",
		User: func(i int) string { return fmt.Sprint("u&", i) }, Token: func(int) string { return "t.o.k" },
	}
	d := dialer{cfg: &c, key: "key"}
	got := string(d.request(3))
	for _, want := range []string{"GET /?a=b&user=u%263 HTTP/1.1\r\nHost: h:1\r\n", "\r\nUser-Agent: agent\r\n", "\r\nAuthorization: Bearer t.o.k\r\n\r\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
}
