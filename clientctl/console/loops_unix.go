//go:build unix

package console

import (
	"bytes"
	"errors"
	"os"
	"os/signal"
	"time"

	"github.com/presenced/presence/clientctl/lineedit"
	"golang.org/x/sys/unix"
)

// Supported says that Open knows the terminals of this system.
const Supported = true

// keys reads the keyboard until it is not wanted any more.
func (c *Console) keys() {
	var d lineedit.Decoder
	buf := make([]byte, 4<<10)
	for c.ready() {
		n, err := c.o.Keyboard.Read(buf)
		if err != nil || n == 0 { // the terminal is gone
			c.o.Interrupt()
			return
		}
		for _, k := range d.Feed(buf[:n]) {
			if !c.press(k) {
				c.o.Interrupt()
				return
			}
		}
	}
}

// ready waits for a key, and reports false when the console is closed. It is select, since
// poll does not know terminals on macOS.
func (c *Console) ready() bool {
	keyboard, woken := int(c.o.Keyboard.Fd()), int(c.woken.Fd())
	for {
		var fds unix.FdSet
		fds.Set(keyboard)
		fds.Set(woken)
		_, err := unix.Select(max(keyboard, woken)+1, &fds, nil, nil, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil, fds.IsSet(woken):
			return false
		default:
			return true
		}
	}
}

// waiting is how many signals wait to be taken. One more is lost; of windows that change the
// last size is found when an earlier signal is taken.
const waiting = 8

// hear begins to hear of windows that change, of stops, and of terminals that are hung up. A
// pipe that nobody reads any more, as standard error may be one, becomes an error of who
// writes: else it ended the program at once, and the terminal stayed raw.
func hear() chan os.Signal {
	heard := make(chan os.Signal, waiting)
	signal.Notify(heard, unix.SIGWINCH, unix.SIGCONT, unix.SIGHUP, unix.SIGPIPE)
	return heard
}

// signals does what signals ask for.
func (c *Console) signals() {
	var s stopping
	for {
		select {
		case <-c.done:
			return
		case <-c.suspend:
			s = c.stop()
		case <-s.look:
			s = c.unheeded(s)
		case heard := <-c.heard:
			s = c.signal(heard, s)
		}
	}
}

func (c *Console) signal(heard os.Signal, s stopping) stopping {
	switch heard {
	case unix.SIGWINCH:
		c.resize()
	case unix.SIGCONT:
		c.resume()
		return stopping{}
	case unix.SIGHUP:
		c.o.Interrupt()
	case unix.SIGPIPE: // who wrote has an error
	}
	return s
}

// resize draws the rows for another window.
func (c *Console) resize() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.measure()
	var b bytes.Buffer
	c.screen.erase(&b)
	c.screen.draw(&b, c.bottom())
	c.flush(&b)
}

// ticks keeps the status up to date that depends on the time.
func (c *Console) ticks() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-ticker.C:
			c.Refresh()
		}
	}
}
