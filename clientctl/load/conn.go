package load

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"github.com/presenced/presence/services/protocol"
)

// writeTimeout bounds how long a server may not take what is sent to it.
const writeTimeout = 10 * time.Second

// conn is one connection, after its upgrade.
type conn struct {
	// static after construction
	net net.Conn
	due time.Time // when its connect was

	// owned by the goroutine that follows it
	in    parser
	ticks ticks

	place int // in the crowd, which guards it

	ending atomic.Int32 // of type ending
	gone   atomic.Bool  // it has ended
}

// ending is what this side knows of a connection's end. It only grows.
type ending int32

const (
	notEnding  ending = iota
	asked             // the close frame is on its way
	unanswered        // the server did not answer it in time
	notReading        // the server did not take a write in time
)

// end notes that it ends, unless more is known.
func (c *conn) end(why ending) {
	for was := c.ending.Load(); was < int32(why); was = c.ending.Load() {
		if c.ending.CompareAndSwap(was, int32(why)) {
			return
		}
	}
}

// write sends a frame; several at once may do so. If the server does not take it the
// connection ends.
func (c *conn) write(frame []byte) {
	_ = c.net.SetWriteDeadline(time.Now().Add(writeTimeout)) // fails on a closed socket, as the write will
	if _, err := c.net.Write(frame); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.end(notReading)
		}
		_ = c.net.Close() // the reader finds out why
	}
}

// follow does what the server sends means, until the connection ends.
func (f *fleet) follow(c *conn, early []byte) {
	take := func(p []byte) error { return f.take(c, p) }
	err := take(early)
	if err == nil {
		err = listen(c.net, take)
	}
	f.ended(c, err)
}

// take handles bytes of a connection.
func (f *fleet) take(c *conn, p []byte) error {
	now := time.Now()
	for {
		m, rest, ok, err := c.in.next(p)
		if err != nil || !ok {
			return err
		}
		p = rest
		switch m.op {
		case ws.OpText:
			err = f.hear(c, m.payload, now)
		case ws.OpPing:
			pong := appendFrame(nil, ws.OpPong, m.payload)
			f.writing.Go(func() { c.write(pong) })
		case ws.OpClose:
			err = closed(m.payload)
		default:
		}
		if err != nil {
			return err
		}
	}
}

func closed(payload []byte) error {
	if len(payload) < 2 {
		return new(closedError)
	}
	code, reason := ws.ParseCloseFrameData(payload)
	return &closedError{protocol.CloseCode(code), reason}
}

// hear handles a text.
func (f *fleet) hear(c *conn, text []byte, now time.Time) error {
	n, err := understand(text)
	if err != nil {
		return err
	}
	switch n.kind {
	case welcome:
		if !c.ticks.welcomed {
			c.ticks.begin(now.Sub(f.began))
			f.crowd.welcome(c)
			f.tally.welcomed(now.Sub(c.due))
		}
	case tick:
		second := n.unixMs / 1000
		if f.stopped.Load() > 0 {
			return nil
		}
		if missed, ok := c.ticks.hear(second, now.Sub(f.began)); ok {
			f.tally.tick(now.Sub(time.Unix(second, 0)), missed)
		}
	case answer, refusal:
		f.answered(c, n, now)
	case other:
	}
	return nil
}

func (f *fleet) answered(c *conn, n news, now time.Time) {
	due, ok := f.out.answer(c, n.id)
	switch {
	case !ok:
	case n.kind == refusal:
		f.tally.unanswered(kindOfCode(n.code), 1)
	default:
		f.tally.answered(now.Sub(due))
	}
}

// ended counts a connection out, whose reader ended with err.
func (f *fleet) ended(c *conn, err error) {
	now := time.Since(f.began)
	if stop := f.stopped.Load(); stop > 0 {
		now = min(now, time.Duration(stop))
	}
	c.gone.Store(true)
	_ = c.net.Close() // it may be closed already
	f.crowd.leave(c)
	f.tally.left(&c.ticks, now)
	f.account(c, err)
}

// account counts an end that was not as it should be.
func (f *fleet) account(c *conn, err error) {
	count := f.tally.failed
	if c.ticks.welcomed {
		count = f.tally.lost
	}
	switch ending(c.ending.Load()) {
	case notReading:
		count(kindNotReading, "")
	case unanswered:
		count(kindUnanswered, "")
	case asked:
		switch {
		case c.ticks.welcomed: // and left as it should
		case f.cut.Load():
			f.tally.cutOff()
		default:
			count(kindNoWelcome, "")
		}
	case notEnding:
		count(kindOf(err))
	}
}
