package load

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"

	"github.com/presenced/presence/services/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs play for each connection to a server of this test's own.
func serve(t *testing.T, play func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer func() { _ = c.Close() }()
				play(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return netip.MustParseAddrPort(l.Addr().String())
}

// greet answers a handshake by a library that is not the one under test, and sends
// texts. Its own errors show as a client that is lost.
func greet(c net.Conn, texts ...[]byte) {
	if _, err := ws.Upgrade(c); err != nil {
		return
	}
	for _, text := range texts {
		_ = ws.WriteFrame(c, ws.NewTextFrame(text))
	}
}

// receive reads a frame of a client.
func receive(r io.Reader) (op ws.OpCode, payload []byte, err error) {
	h, err := ws.ReadHeader(r)
	if err != nil {
		return 0, nil, err
	}
	if err := ws.CheckHeader(h, ws.StateServerSide); err != nil {
		return 0, nil, err
	}
	payload = make([]byte, h.Length)
	_, err = io.ReadFull(r, payload)
	ws.Cipher(payload, h.Mask, 0)
	return h.OpCode, payload, err
}

// linger reads until the client closes.
func linger(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

var welcome = protocol.AppendWelcome(nil, protocol.Welcome{User: "ana"})

func tick(second int64) []byte { return protocol.AppendTime(nil, time.Unix(second, 0)) }

// fleet is one that the test closes, and its time.
func fleet(t *testing.T, size int, cfg Config) (*Fleet, context.Context) {
	t.Helper()
	f, err := NewFleet(size, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return f, ctx
}

func TestFleet_Connect(t *testing.T) {
	addr := serve(t, func(c net.Conn) {
		greet(c, welcome)
		linger(c)
	})
	const n = 200
	f, ctx := fleet(t, n, Config{Server: addr})
	for _, more := range []int{50, n - 50} {
		if err := f.Connect(ctx, more); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := f.Count(), (Count{Begun: n, Open: n, Welcomed: n}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if f.Welcomed().IsZero() {
		t.Error("the time of the last welcome is not known")
	}
	if err := f.Connect(ctx, 1); err == nil {
		t.Error("more clients than the fleet was made for were let in")
	}
}

// TestFleet_Connect_BoundsUnfinishedHandshakes lets a fleet loose on a server that
// answers nobody.
func TestFleet_Connect_BoundsUnfinishedHandshakes(t *testing.T) {
	const bound = 4
	f, ctx := fleet(t, 10*bound, Config{Server: serve(t, linger), Unfinished: bound})
	ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	err := f.Connect(ctx, f.Size())
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
	}
	if got, want := f.Count(), (Count{Begun: bound}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestFleet_Connect_ClientIsLost(t *testing.T) {
	tests := []struct {
		name string
		play func(net.Conn)
		want string
	}{
		{"refused", func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1024))
			_, _ = io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\n\r\n")
		}, "503 Service Unavailable"},
		{"the wrong key", func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1024))
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n\r\n")
			linger(c)
		}, "Sec-WebSocket-Accept"},
		{"cut off", func(c net.Conn) { greet(c) }, io.ErrUnexpectedEOF.Error()},
		{"closed", func(c net.Conn) {
			greet(c)
			_ = ws.WriteFrame(c, ws.NewCloseFrame(ws.NewCloseFrameBody(1012, "restart")))
			linger(c)
		}, "1012 restart"},
		{"told nonsense", func(c net.Conn) {
			greet(c)
			_, _ = c.Write([]byte{0x01, 0x00})
			linger(c)
		}, errFrame.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, ctx := fleet(t, 1, Config{Server: serve(t, tt.play)})
			err := f.Connect(ctx, 1)
			if !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one that says %q", err, tt.want)
			}
			if got := f.Count().Gone; got != 1 {
				t.Errorf("%d are gone, want 1", got)
			}
		})
	}
}

func TestFleet_Connect_NobodyListens(t *testing.T) {
	f, ctx := fleet(t, 1, Config{Server: netip.MustParseAddrPort("127.0.0.1:1")})
	if err := f.Connect(ctx, 1); err == nil {
		t.Error("connected to a port where nobody listens")
	}
}

// TestFleet_admit_SplitAnswer gives the answer to a handshake, and the frame after
// it, in every two pieces.
func TestFleet_admit_SplitAnswer(t *testing.T) {
	answer := "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " + accept + "\r\n\r\n"
	for cut := range len(answer) {
		f := &Fleet{answers: make(map[int32][]byte)}
		c := &Client{state: asking}
		if _, err := f.admit(c, []byte(answer[:cut])); err != nil || c.state != asking {
			t.Fatalf("cut at %d: state %d, error %v", cut, c.state, err)
		}
		rest, err := f.admit(c, []byte(answer[cut:]+"frame"))
		if err != nil || c.state != open || len(f.answers) != 0 {
			t.Fatalf("cut at %d: state %d, error %v, %d answers kept", cut, c.state, err, len(f.answers))
		}
		if string(rest) != "frame" {
			t.Fatalf("cut at %d: %q follows the answer", cut, rest)
		}
	}
}

func TestFleet_Ticks(t *testing.T) {
	const first = 1_800_000_000
	scripts := map[string][][]byte{
		"all":   {tick(first - 1), welcome, tick(first), tick(first + 1), tick(first + 2)},
		"gap":   {welcome, tick(first), tick(first + 2)},
		"twice": {welcome, tick(first), tick(first + 1), tick(first + 1), tick(first + 2)},
		"late":  {welcome, tick(first), protocol.AppendTime(nil, time.UnixMilli(first*1000+1999)), tick(first + 2)},
	}
	users := []string{"all", "gap", "twice", "late"}
	addr := serve(t, func(c net.Conn) {
		user := ""
		u := ws.Upgrader{OnRequest: func(uri []byte) error {
			user = strings.TrimPrefix(string(uri), "/?user=")
			return nil
		}}
		if _, err := u.Upgrade(c); err != nil {
			return
		}
		for _, text := range scripts[user] {
			_ = ws.WriteFrame(c, ws.NewTextFrame(text))
		}
		_ = ws.WriteFrame(c, ws.NewTextFrame(protocol.AppendPong(nil, nil)))
		linger(c)
	})
	watching, done := context.WithCancel(t.Context())
	ends := 0
	f, ctx := fleet(t, len(users), Config{
		Server: addr,
		User:   func(i int) string { return users[i] },
		Handle: func(_ *Client, m Message) {
			if m.Kind == Pong {
				if ends++; ends == len(users) {
					done()
				}
			}
		},
	})
	f.Expect(time.Unix(first, 0))
	if err := f.Connect(ctx, len(users)); err != nil {
		t.Fatal(err)
	}
	if err := f.Watch(watching); err != nil {
		t.Fatal(err)
	}
	got, err := f.Ticks(time.Unix(first+3, 0))
	if err != nil {
		t.Fatal(err)
	}
	if got.Expected != 12 || got.Missed != 1 || got.Twice != 1 || got.Late.Len() != 12 {
		t.Errorf("expected %d, missed %d, twice %d, late %d; want 12, 1, 1, 12", got.Expected, got.Missed, got.Twice, got.Late.Len())
	}
	if _, err := f.Ticks(time.Unix(first+maxSeconds+1, 0)); err == nil {
		t.Error("more seconds than can be followed were counted")
	}
}

func TestFleet_Watch_AnswersPings(t *testing.T) {
	ponged := make(chan string, 1) // one client, one pong
	addr := serve(t, func(c net.Conn) {
		greet(c, welcome)
		_ = ws.WriteFrame(c, ws.NewPingFrame([]byte("alive?")))
		op, payload, err := receive(c)
		if err != nil || op != ws.OpPong {
			payload = []byte("none")
		}
		ponged <- string(payload)
		linger(c)
	})
	f, ctx := fleet(t, 1, Config{Server: addr})
	if err := f.Connect(ctx, 1); err != nil {
		t.Fatal(err)
	}
	watching, cancel := context.WithCancel(ctx)
	var got string
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		got = <-ponged
		cancel()
	}()
	if err := f.Watch(watching); err != nil {
		t.Error(err)
	}
	<-answered
	if got != "alive?" {
		t.Errorf("the answer to a ping is %q", got)
	}
}

func TestProbe_Ask(t *testing.T) {
	addr := serve(t, func(c net.Conn) {
		greet(c, tick(1), welcome)
		for {
			if _, payload, err := receive(c); err != nil || string(payload) != "42" {
				return
			}
			_ = ws.WriteFrame(c, ws.NewTextFrame(tick(2)))
			_ = ws.WriteFrame(c, ws.NewTextFrame(protocol.AppendPong(nil, nil)))
		}
	})
	p, err := NewProbe(addr, "ana")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	took, err := p.Ask(ctx, NewCommand("42"), Pong, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if took.Len() == 0 || took.Quantile(0) <= 0 {
		t.Errorf("%d answers, the fastest after %v", took.Len(), took.Quantile(0))
	}
	if _, err := p.Ask(t.Context(), NewCommand("bye"), Pong, time.Millisecond); err == nil {
		t.Error("the server is gone, and the probe says nothing")
	}
}
