package talk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/wire"
	"github.com/presenced/presence/services/protocol"
)

// closeTimeout is how long the server's answer to a close frame is waited for.
const closeTimeout = 2 * time.Second

// framesAhead is how many messages are read ahead while a write waits for the server:
// room for a window of answers, so that a server that answers before it reads on does
// not wait for a client that does the same. When it is full the socket is not read.
const framesAhead = 2 * maxFlying

// connection connects, and talks until the connection ends or the talk does. Its
// error says why: errAnswered, what the connection's end was, or what ends the talk.
func (t *Talk) connection(ctx context.Context) error {
	if err := t.c.Show.State(State{Phase: Connecting}); err != nil {
		return stop(err)
	}
	conn, err := t.dial(ctx)
	if err != nil {
		return err
	}
	var reader sync.WaitGroup
	defer reader.Wait()
	quit := make(chan struct{})
	defer close(quit)
	defer conn.Close() // ends the reader's Read
	frames := make(chan frame, framesAhead)
	reader.Go(func() { read(conn, frames, quit) })

	if err := t.greet(); err != nil {
		return err
	}
	t.askEach()
	err = t.converse(ctx, conn, frames)
	t.out.lost()
	t.resume = nil
	return err
}

// greet says that a lost connection is back.
func (t *Talk) greet() error {
	again := t.connected
	t.connected, t.why = true, ""
	if t.c.Record > 0 {
		t.welcome = time.After(t.c.Record)
	}
	if err := t.c.Show.State(State{Phase: Connected}); err != nil || !again {
		return stop(err)
	}
	return stop(t.c.Show.Notice("connected again"))
}

func (t *Talk) dial(ctx context.Context) (*wire.Conn, error) {
	if !t.deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, t.deadline)
		defer cancel()
	}
	conn, err := wire.Dial(ctx, t.c.Address, t.c.Dial)
	if err != nil {
		return nil, &dialError{err}
	}
	return conn, nil
}

// frame is what one Read of the connection returned.
type frame struct {
	wire.Message
	err error
}

// read hands over what comes, the error that ends it last, until quit is closed.
func read(conn *wire.Conn, frames chan<- frame, quit <-chan struct{}) {
	for {
		m, err := conn.Read()
		select {
		case frames <- frame{m, err}:
		case <-quit:
			return
		}
		if err != nil || m.Op == wire.Close {
			return
		}
	}
}

// converse talks on one connection until it ends or the talk does.
func (t *Talk) converse(ctx context.Context, conn *wire.Conn, frames <-chan frame) error {
	var probe <-chan time.Time
	if t.c.Probe > 0 {
		probe = time.After(0)
	}
	for {
		if t.finished() {
			return leave(conn, frames, errAnswered)
		}
		if err := t.send(conn); err != nil {
			return t.lastWords(conn, frames, err)
		}
		var err error
		select {
		case <-ctx.Done():
			return leave(conn, frames, fault.ErrInterrupted)
		case <-t.expired:
			return leave(conn, frames, stop(t.unanswered()))
		case <-t.resume:
			t.resume = nil
		case <-t.welcome:
			t.welcome = nil
			err = stop(t.c.Show.Notice("the server has not put the connection on record yet; going on without"))
		case line, more := <-t.input():
			err = t.line(line, more)
		case f := <-frames:
			err = t.frame(conn, f)
		case <-probe:
			t.out.probe()
			probe = time.After(t.c.Probe)
		}
		if _, ends := errors.AsType[*stopError](err); ends {
			return leave(conn, frames, err)
		}
		if err != nil {
			return err
		}
	}
}

// lastWords takes in what the server had sent before a write failed with err: answers,
// and a close frame, which says more than err does.
func (t *Talk) lastWords(conn *wire.Conn, frames <-chan frame, err error) error {
	patience := time.After(closeTimeout)
	for {
		select {
		case f := <-frames:
			if f.err != nil {
				return err
			}
			if end := t.frame(conn, f); end != nil {
				return end
			}
		case <-patience:
			return err
		}
	}
}

// send sends what waits, as far as there is room.
func (t *Talk) send(conn *wire.Conn) error {
	if t.resume != nil || t.welcome != nil {
		return nil
	}
	for {
		r := t.out.next(time.Now())
		if r == nil {
			return nil
		}
		if err := conn.WriteText(r.command.encode(r.id)); err != nil {
			return fmt.Errorf("send a command: %w", err)
		}
	}
}

// leave closes the connection as RFC 6455 section 7.1.2 wants it, waits a little for
// the server to agree, and returns why.
func leave(conn *wire.Conn, frames <-chan frame, why error) error {
	if conn.WriteClose(protocol.CloseNormal) != nil {
		return why
	}
	patience := time.After(closeTimeout)
	for {
		select {
		case f := <-frames:
			if f.err != nil || f.Op == wire.Close {
				return why
			}
		case <-patience:
			return why
		}
	}
}
