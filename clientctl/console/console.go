package console

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/presenced/presence/clientctl/lineedit"
	"github.com/presenced/presence/clientctl/terminal"
	"golang.org/x/term"
)

// Options are what a Console is made of.
type Options struct {
	Keyboard, Screen *os.File // the terminal

	Colours  terminal.Colours
	Complete func(begun string) []string // of the words that a line may begin with
	Status   func(now time.Time) Status  // asked each second, and after Refresh; from any goroutine

	// Interrupt is called for Ctrl-C on an empty line, and when the terminal is gone, maybe
	// more than once. It must not call Close.
	Interrupt func()
}

// Status is what the status line says: the same in forms that take less and less room,
// escaped, the longest first.
type Status struct {
	Mark  string              // one character in front of it
	Paint func(string) string // the mark's colour; nil: none
	Forms []string
}

// maxLines is how many lines that were entered wait to be read; what is entered then is
// left out, and that is said. It is room for a long list that is pasted.
const maxLines = 1000

const prompt = "> "

// ErrUnsupported is returned by Open on systems on which it does not know terminals.
var ErrUnsupported = errors.New("this system's terminals are not known")

// Console is a terminal in use. Make it with Open.
type Console struct {
	// static after construction
	o       Options
	cooked  *term.State   // how the terminal was
	entered chan string   // lines, bounded by maxLines; closed by press
	done    chan struct{} // closed by Close
	suspend chan struct{} // Ctrl-Z; one that is not taken stands for the next too
	wake    *os.File      // closing it ends the wait for the keyboard
	woken   *os.File
	heard   chan os.Signal
	running sync.WaitGroup
	closing sync.Once

	// owned by who calls Read
	unread []byte

	mu      sync.Mutex
	editor  lineedit.Editor
	screen  screen
	ended   bool // Ctrl-D was pressed: of the keyboard only Ctrl-C counts
	stopped bool // the shell has the terminal
	closed  bool
}

var _ io.ReadWriter = (*Console)(nil)

// Open takes a terminal into use, until Close.
func Open(o Options) (*Console, error) {
	if !Supported {
		return nil, ErrUnsupported
	}
	woken, wake, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c := &Console{
		o: o, woken: woken, wake: wake,
		entered: make(chan string, maxLines),
		done:    make(chan struct{}),
		suspend: make(chan struct{}, 1),
		heard:   hear(), // before the terminal is changed, or a signal could leave it so
	}
	c.editor.Complete = o.Complete
	if c.cooked, err = term.MakeRaw(int(o.Keyboard.Fd())); err != nil {
		signal.Stop(c.heard)
		return nil, errors.Join(err, wake.Close(), woken.Close())
	}
	c.mu.Lock()
	c.enter()
	c.mu.Unlock()
	for _, loop := range []func(){c.keys, c.signals, c.ticks} {
		c.running.Go(func() {
			defer c.restoreOnPanic()
			loop()
		})
	}
	return c, nil
}

// Close takes the two rows away, gives the terminal back as it was, and ends the input for
// Read. What is written later goes to the terminal as it is.
func (c *Console) Close() {
	c.closing.Do(func() {
		close(c.done)
		_ = c.wake.Close() // nothing was written to it
		c.running.Wait()   // what is typed from here on is the shell's
		c.restore()
		signal.Stop(c.heard)
		_ = c.woken.Close() // only read from
	})
}

// restore gives the terminal back.
func (c *Console) restore() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.leave()
		c.closed = true
	}
}

// restoreOnPanic is deferred by every goroutine.
func (c *Console) restoreOnPanic() {
	if v := recover(); v != nil {
		c.restore()
		panic(v)
	}
}

// enter draws the rows on a raw terminal. c.mu is held.
func (c *Console) enter() {
	c.measure()
	var b bytes.Buffer
	b.WriteString(pasteOn)
	c.screen.draw(&b, c.bottom())
	c.flush(&b)
}

// leave makes the terminal as it was and takes them away, in this order, so that who sees
// them go can type to the shell. While the shell has the terminal there is nothing to do:
// a job in the background that tries to is stopped. c.mu is held.
func (c *Console) leave() {
	if c.stopped || !c.foreground() {
		return
	}
	_ = term.Restore(int(c.o.Keyboard.Fd()), c.cooked) // fails if the terminal is gone
	var b bytes.Buffer
	c.screen.erase(&b)
	b.WriteString(pasteOff)
	c.flush(&b)
}

// Write writes lines above the two rows. Text without an end of line gets one.
func (c *Console) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.o.Screen.Write(p)
	}
	return len(p), c.scroll(p)
}

// scroll writes lines above the rows. c.mu is held.
func (c *Console) scroll(text []byte) error {
	var b bytes.Buffer
	c.screen.erase(&b)
	lines(&b, text)
	if !c.stopped {
		c.screen.draw(&b, c.bottom())
	}
	_, err := c.o.Screen.Write(b.Bytes())
	return err
}

// Read returns what was entered, line by line, and io.EOF after Ctrl-D or Close.
func (c *Console) Read(p []byte) (int, error) {
	if len(c.unread) == 0 {
		select {
		case line, more := <-c.entered:
			if !more {
				return 0, io.EOF
			}
			c.unread = []byte(line + "\n")
		case <-c.done:
			return 0, io.EOF
		}
	}
	n := copy(p, c.unread)
	c.unread = c.unread[n:]
	return n, nil
}

// Refresh asks for the status again.
func (c *Console) Refresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refresh()
}

func (c *Console) refresh() {
	if c.closed || !c.screen.drawn {
		return
	}
	var b bytes.Buffer
	c.screen.update(&b, c.bottom())
	c.flush(&b)
}

// flush writes to the terminal. One that is gone tells the keyboard's goroutine.
func (c *Console) flush(b *bytes.Buffer) {
	if b.Len() > 0 {
		_, _ = c.o.Screen.Write(b.Bytes())
	}
}

// measure asks how large the window is. c.mu is held.
func (c *Console) measure() {
	width, height, err := term.GetSize(int(c.o.Screen.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		width, height = 80, 24
	}
	c.screen.width, c.screen.height = width, height
}

// bottom is what the two rows should be. The last column stays free, for terminals differ
// in where the cursor is after it. c.mu is held.
func (c *Console) bottom() bottom {
	const markWidth = 2 // with a blank
	room := c.screen.width - 1
	var next bottom
	if s := c.o.Status(time.Now()); room > markWidth {
		text := fit(s.Forms, room-markWidth)
		mark := s.Mark
		if s.Paint != nil {
			mark = s.Paint(mark)
		}
		next.statusWidth = markWidth + terminal.Width(text)
		next.status = mark + " " + c.o.Colours.Dim(text)
	}
	if room >= 4*len(prompt) {
		next.prompt = c.o.Colours.Bold(prompt)
		room -= len(prompt)
		next.cursor = len(prompt)
	}
	line, cursor := c.editor.View(room)
	next.line = line
	next.cursor += cursor
	return next
}

// press takes a key. It reports whether the keyboard is still wanted.
func (c *Console) press(k lineedit.Key) (more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return k.Code != lineedit.Interrupt
	}
	switch e := c.editor.Press(k); e.Outcome {
	case lineedit.Edited:
		c.refresh()
	case lineedit.Submitted:
		c.submit(e.Line)
	case lineedit.Listed:
		_ = c.scroll([]byte(strings.Join(e.Choices, " "))) // one that fails shows in the next write of results
	case lineedit.Repaint:
		b := bytes.NewBufferString(clearScreen)
		c.screen.draw(b, c.bottom())
		c.flush(b)
	case lineedit.Stop:
		select {
		case c.suspend <- struct{}{}:
		default: // one is on its way
		}
	case lineedit.Ended:
		c.ended = true
		close(c.entered)
	case lineedit.Leave:
		return false
	}
	return true
}

// submit hands over a line, and shows it as typed, above.
func (c *Console) submit(line string) {
	text := c.o.Colours.Dim(prompt + terminal.Escape(line))
	select {
	case c.entered <- line:
	default:
		text += fmt.Sprintf("\nnot taken: %d lines wait to be sent", maxLines)
	}
	if strings.TrimSpace(line) == "" {
		c.refresh()
		return
	}
	_ = c.scroll([]byte(text)) // one that fails shows in the next write of results
}
