package talk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/terminal"
	"github.com/presenced/presence/clientctl/wire"
	"github.com/presenced/presence/services/protocol"
)

// Config is what a Talk is about.
type Config struct {
	Address string // ws:// or wss://, with the user in its query
	Dial    wire.Options
	Show    Show

	Commands []Command // asked first
	Each     []Command // asked first on each connection, for they end with it; of a type each
	Input    io.Reader // lines to ask after them; nil: there is no input

	// Ends says that the talk ends once all is answered and the input, if there is
	// one, has ended. Else it goes on until its context ends.
	Ends bool

	// Patience is how long to wait for answers once there is nothing more to ask. It
	// covers reconnects. 0: for ever.
	Patience time.Duration

	// Retry says to try again also when the first connect fails.
	Retry bool

	// Random returns a number in [0, 1) for the jitter; default math/rand.
	Random func() float64
}

// closeTimeout is how long the server's answer to a close frame is waited for.
const closeTimeout = 2 * time.Second

// framesAhead is how many messages are read ahead while a write waits for the server:
// room for a window of answers, so that a server that answers before it reads on does
// not wait for a client that does the same. When it is full the socket is not read.
const framesAhead = 2 * maxFlying

// errAnswered ends a talk that has nothing more to ask.
var errAnswered = errors.New("all is answered")

// Talk is one dialogue. Make it with New; it is for one Run.
type Talk struct {
	// static after construction
	c Config

	// owned by Run: what is asked
	out      outstanding
	asked    int              // commands, and lines that were not understood
	failed   int              // of those, the ones without a good answer
	lines    <-chan Line      // the input; nil: there is none any more
	ended    bool             // nothing more will be asked
	deadline time.Time        // of the patience; zero: none yet
	expired  <-chan time.Time // fires then
	resume   <-chan time.Time // fires at the end of a pause in sending; nil: there is none

	// owned by Run: the connection
	connected bool          // there was one before
	vain      int           // connects in vain, or lost before their welcome, in a row
	hint      time.Duration // the server's wish for when to come back; 0: none
}

// New returns a talk about c.
func New(c Config) *Talk {
	if c.Random == nil {
		c.Random = rand.Float64
	}
	return &Talk{c: c}
}

// Counts returns how many commands were asked, and how many of them have no good
// answer: lines that were not understood, errors, and those that were given up.
func (t *Talk) Counts() (asked, failed int) { return t.asked, t.failed }

// Run connects and talks until all is answered, if Ends says so, or ctx ends. It
// returns nil, fault.ErrInterrupted when ctx ended it, or an error of another kind of
// package fault that says what to do.
func (t *Talk) Run(ctx context.Context) error {
	quit := make(chan struct{})
	defer close(quit)
	t.begin(quit)
	for {
		err := t.connection(ctx)
		if ctx.Err() != nil {
			return fault.ErrInterrupted
		}
		if errors.Is(err, errAnswered) {
			return nil
		}
		wait, err := t.verdict(err)
		if err != nil {
			return err
		}
		if err := t.pause(ctx, wait); err != nil {
			return ended(err)
		}
	}
}

// begin asks the first commands and starts to read the input; readLines closes its
// channel.
func (t *Talk) begin(quit <-chan struct{}) {
	for _, c := range t.c.Commands {
		t.ask(c)
	}
	if t.c.Input != nil {
		lines := make(chan Line)
		t.lines = lines
		go readLines(t.c.Input, lines, quit)
	} else if t.c.Ends {
		t.end()
	}
}

func (t *Talk) ask(c Command) {
	t.asked++
	t.out.add(c)
}

// askEach asks what every connection is asked, but for what is to be asked again anyway,
// since it had no answer.
func (t *Talk) askEach() {
	for _, c := range t.c.Each {
		if !t.out.has(c.Type) {
			t.ask(c)
		}
	}
}

// end says that nothing more will be asked.
func (t *Talk) end() {
	t.lines = nil
	t.ended = true
	if t.c.Patience > 0 {
		t.deadline = time.Now().Add(t.c.Patience)
		t.expired = time.After(t.c.Patience)
	}
}

// connection connects, and talks until the connection ends or the talk does. Its
// error says why: errAnswered, what the connection's end was, or what ends the talk.
func (t *Talk) connection(ctx context.Context) error {
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
	t.connected = true
	if !again {
		return nil
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
		case line, more := <-t.input():
			err = t.line(line, more)
		case f := <-frames:
			err = t.frame(conn, f)
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

func (t *Talk) finished() bool { return t.c.Ends && t.ended && t.out.empty() }

// input returns the input's channel while there is room for what it asks.
func (t *Talk) input() <-chan Line {
	if t.out.full() {
		return nil
	}
	return t.lines
}

// send sends what waits, as far as there is room.
func (t *Talk) send(conn *wire.Conn) error {
	if t.resume != nil {
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

func (t *Talk) line(l Line, more bool) error {
	switch {
	case !more, l.Quit:
		t.end()
	case l.Err != nil:
		t.asked++
		t.failed++
		return stop(t.c.Show.Notice(l.Err.Error()))
	case l.Command.Type != 0:
		t.ask(l.Command)
	}
	return nil
}

func (t *Talk) frame(conn *wire.Conn, f frame) error {
	if f.err != nil {
		if broken, ok := errors.AsType[*wire.BrokenError](f.err); ok {
			_ = conn.WriteClose(broken.Code) // as well as can be; the connection ends anyway
		}
		return f.err
	}
	switch f.Op {
	case wire.Text:
		return t.message(f.Payload)
	case wire.Ping:
		_ = conn.WritePong(f.Payload) // a write that fails shows in the reads soon
	case wire.Close:
		_ = conn.WriteClose(f.Code) // the server may be gone already
		return &closedError{f.Code, string(f.Payload)}
	case wire.Pong:
	}
	return nil
}

// message shows a message from the server and notes what it means for the talk.
func (t *Talk) message(raw []byte) error {
	m, err := protocol.Decode(raw)
	if err != nil {
		return stop(t.c.Show.Notice("left out a message of the server: " + terminal.Escape(err.Error())))
	}
	switch m.Type {
	case protocol.TypeWelcome:
		t.vain = 0
	case protocol.TypeDrain:
		t.hint = min(time.Duration(min(m.ReconnectAfterMs, maxHint.Milliseconds()))*time.Millisecond, maxHint)
	}
	a := Answer{Raw: raw, Message: m}
	if r := t.out.answer(m.ID); r != nil {
		a.Command, a.Took = &r.command, time.Since(r.sentAt)
		a.Again = m.Type == protocol.TypeError && t.again(r, m)
	}
	return stop(t.c.Show.Message(a))
}

// again decides whether a command that was answered with an error is asked again, and
// counts it as failed if not.
func (t *Talk) again(r *request, m protocol.Message) bool {
	r.refused++
	if !m.Retryable || r.refused >= maxTries {
		t.failed++
		return false
	}
	t.out.again(r)
	t.resume = time.After(retryBackoff.Delay(r.refused, 0, t.c.Random()))
	return true
}

// pause waits before the next connect. What is typed meanwhile is taken in.
func (t *Talk) pause(ctx context.Context, wait time.Duration) error {
	next := time.After(wait)
	for {
		if t.finished() {
			return errAnswered
		}
		select {
		case <-ctx.Done():
			return fault.ErrInterrupted
		case <-t.expired:
			return t.unanswered()
		case <-next:
			return nil
		case line, more := <-t.input():
			if err := t.line(line, more); err != nil {
				return err
			}
		}
	}
}

// unanswered is the error when the patience is at its end.
func (t *Talk) unanswered() error {
	commands := t.out.commands()
	t.failed += len(commands)
	const shown = 5
	var names []string
	for _, c := range commands[:min(shown, len(commands))] {
		names = append(names, fmt.Sprintf("%.20s", c))
	}
	if len(commands) > shown {
		names = append(names, "…")
	}
	return fault.Errorf(fault.Failed, "no answer within %s to %s", t.c.Patience, strings.Join(names, ", "))
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

// stopError is an error that ends the talk, not only a connection.
type stopError struct{ error }

func (e *stopError) Unwrap() error { return e.error }

func stop(err error) error {
	if err == nil {
		return nil
	}
	return &stopError{err}
}

// ended is what Run returns for an error that ends the talk.
func ended(err error) error {
	if errors.Is(err, errAnswered) {
		return nil
	}
	if s, ok := errors.AsType[*stopError](err); ok {
		return s.error
	}
	return err
}
