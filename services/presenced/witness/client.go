package witness

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/presenced/presence/services/protocol"
)

// RefusedError says that the handshake was answered with something else than 101.
type RefusedError struct {
	Status     int
	RetryAfter time.Duration // 0: none was given
}

// Error says what was answered.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("refused with %d, Retry-After %s", e.Status, e.RetryAfter)
}

// Client is one connection of a user.
type Client struct {
	// static after construction
	conn    net.Conn
	in      io.Reader
	ended   chan struct{}         // closed when the goroutine has ended
	frozen  chan struct{}         // closed by Freeze
	freeze  func()                // closes frozen, once
	answers chan protocol.Message // what is neither the time nor a welcome; one too many is dropped

	mu   sync.Mutex
	seen *Sighting
}

// maxAnswers is how many messages wait for Ask.
const maxAnswers = 64

// connect dials and upgrades. It fills in the sighting, and returns a *RefusedError if
// the node does not let the client in.
func connect(ctx context.Context, addr string, seen *Sighting) (*Client, error) {
	refused := new(RefusedError)
	dialer := ws.Dialer{OnStatusError: func(status int, _ []byte, response io.Reader) {
		refused.Status = status
		if r, err := http.ReadResponse(bufio.NewReader(response), nil); err == nil {
			seconds, _ := strconv.Atoi(r.Header.Get("Retry-After")) // none: 0
			refused.RetryAfter = time.Duration(seconds) * time.Second
			_ = r.Body.Close()
		}
	}}
	conn, buffered, _, err := dialer.Dial(ctx, addr+"/ws?user="+url.QueryEscape(seen.User))
	if refused.Status != 0 {
		return nil, refused
	}
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", seen.Node, err)
	}
	frozen := make(chan struct{})
	c := &Client{
		conn: conn, in: conn, seen: seen,
		ended: make(chan struct{}), answers: make(chan protocol.Message, maxAnswers),
		frozen: frozen, freeze: sync.OnceFunc(func() { close(frozen) }),
	}
	if buffered != nil {
		c.in = buffered
	}
	return c, nil
}

// Close closes the socket without a farewell, as a client does whose process dies.
func (c *Client) Close() {
	c.leave(false)
	_ = c.conn.Close()
	c.freeze()
}

// Freeze makes the client read and answer no more, as if its process were stopped.
// The socket stays until Close.
func (c *Client) Freeze() {
	c.leave(true)
	c.freeze()
	_ = c.conn.SetReadDeadline(time.Now())
}

func (c *Client) leave(silent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen.Left.IsZero() && c.seen.Ended.IsZero() {
		c.seen.Left, c.seen.Silent = time.Now(), silent
	}
}

// Seen is what the client has seen so far.
func (c *Client) Seen() Sighting {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := *c.seen
	s.Welcomes = slices.Clone(s.Welcomes)
	return s
}

// Ended is closed when the socket has ended, or the client reads no more.
func (c *Client) Ended() <-chan struct{} { return c.ended }

// Ask sends a text and returns the next answer that is neither the time nor a welcome.
func (c *Client) Ask(ctx context.Context, text string) (protocol.Message, error) {
	if err := wsutil.WriteClientText(c.conn, []byte(text)); err != nil {
		return protocol.Message{}, err
	}
	select {
	case m := <-c.answers:
		return m, nil
	case <-c.ended:
		return protocol.Message{}, net.ErrClosed
	case <-ctx.Done():
		return protocol.Message{}, ctx.Err()
	}
}

// run reads until the socket ends.
func (c *Client) run() {
	defer close(c.ended)
	code, err := c.read()
	select {
	case <-c.frozen:
		return // by the client itself: Left says when
	default:
	}
	_ = c.conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen.Ended, c.seen.Code = time.Now(), code
	if errors.Is(err, protocol.ErrNoMessage) {
		panic(err) // no client understands it
	}
}

// read reads frames, not messages: the server fragments nothing.
func (c *Client) read() (ws.StatusCode, error) {
	for {
		op, payload, err := c.frame()
		switch {
		case err != nil:
			return 0, err
		case op == ws.OpClose:
			code, _ := ws.ParseCloseFrameData(payload)
			_ = ws.WriteFrame(c.conn, ws.MaskFrame(ws.NewCloseFrame(payload)))
			return code, nil
		case op == ws.OpPing:
			_ = ws.WriteFrame(c.conn, ws.MaskFrame(ws.NewPongFrame(payload)))
		default:
			m, err := protocol.Decode(payload)
			if err != nil {
				return 0, err
			}
			c.take(m)
		}
	}
}

// maxFrame is more than any answer is long.
const maxFrame = 1 << 20

func (c *Client) frame() (ws.OpCode, []byte, error) {
	h, err := ws.ReadHeader(c.in)
	if err != nil {
		return 0, nil, err
	}
	if h.Length > maxFrame {
		return 0, nil, fmt.Errorf("a frame of %d bytes", h.Length)
	}
	payload := make([]byte, h.Length)
	_, err = io.ReadFull(c.in, payload)
	return h.OpCode, payload, err
}

func (c *Client) take(m protocol.Message) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch m.Type {
	case protocol.TypeWelcome:
		c.seen.Welcomes = append(c.seen.Welcomes, Welcome{m.Connection, now})
	case protocol.TypeTime:
		if c.seen.Ticks++; c.seen.Ticks > 1 {
			c.seen.Gap = max(c.seen.Gap, now.Sub(c.seen.LastTick))
		}
		c.seen.LastTick = now
	default:
		select {
		case c.answers <- m:
		default:
		}
	}
}
