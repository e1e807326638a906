package talk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/presenced/presence/clientctl/fault"
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

	// Record is how long what is asked waits for the welcome of its connection, which comes
	// once that is on record; 0: not at all. Without it a welcome comes before an answer, after
	// it, or too late to be seen.
	Record time.Duration

	// Probe is how often a ping measures how long the server takes; its answers are
	// shown with Answer.Probe. 0: never.
	Probe time.Duration

	// Random returns a number in [0, 1) for the jitter; default math/rand.
	Random func() float64
}

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
	standing *Command         // the watch that the server has answered; nil: there is none
	page     Command          // the last page of who that was answered
	next     string           // the After of the page that follows it; "": it was the last one

	// owned by Run: the connection
	connected bool             // there was one before
	welcome   <-chan time.Time // fires when its welcome is not waited for any longer; nil: it is not
	vain      int              // connects in vain, or lost before their welcome, in a row
	hint      time.Duration    // the server's wish for when to come back; 0: none
	why       string           // why there is no connection, as was said last; "": there was one since
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

// askEach asks what every connection is asked, and for the watch that ended with the last
// one, but for what is to be asked again anyway, since it had no answer.
func (t *Talk) askEach() {
	for _, c := range t.c.Each {
		if !t.out.has(c.Type) {
			t.ask(c)
		}
	}
	if t.standing != nil && !t.out.has(protocol.Watch) && !t.out.has(protocol.Unwatch) {
		t.ask(*t.standing)
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

func (t *Talk) finished() bool { return t.c.Ends && t.ended && t.out.empty() && t.welcome == nil }

// input returns the input's channel while there is room for what it asks.
func (t *Talk) input() <-chan Line {
	if t.out.full() {
		return nil
	}
	return t.lines
}

func (t *Talk) line(l Line, more bool) error {
	switch {
	case !more, l.Quit:
		t.end()
	case l.Err != nil:
		return t.misunderstood(l.Err)
	case l.Help:
		return stop(t.c.Show.Say(Help()))
	case l.More && t.next == "":
		return t.misunderstood(errNoMore)
	case l.More:
		t.ask(Command{Type: protocol.Who, Limit: t.page.Limit, After: t.next})
		t.next = ""
	case l.Command.Type != 0:
		t.ask(l.Command)
	}
	return nil
}

var errNoMore = errors.New("there is no more to show: type /who first; it says if there is")

// misunderstood counts a line that asks for nothing that can be answered.
func (t *Talk) misunderstood(err error) error {
	t.asked++
	t.failed++
	return stop(t.c.Show.Notice(err.Error()))
}

// pause waits before the next connect. What is typed meanwhile is taken in.
func (t *Talk) pause(ctx context.Context, wait time.Duration) error {
	next := time.After(wait)
	if err := t.c.Show.State(State{Phase: Waiting, Until: time.Now().Add(wait)}); err != nil {
		return err
	}
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
	if len(commands) == 0 {
		return fault.Errorf(fault.Failed, "the server has not put the connection on record within %s", t.c.Patience)
	}
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
