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
	"golang.org/x/term"
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
	for {
		select {
		case <-c.done:
			return
		case <-c.suspend:
			c.stop()
		case s := <-c.heard:
			switch s {
			case unix.SIGWINCH:
				c.resize()
			case unix.SIGCONT:
				c.resume()
			case unix.SIGHUP:
				c.o.Interrupt()
			case unix.SIGPIPE: // who wrote has an error
			}
		}
	}
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

// stop gives the terminal to the shell until it gives it back: SIGCONT follows. Without a
// shell that could do so nothing happens.
func (c *Console) stop() {
	if session, err := unix.Getsid(0); err != nil || session == os.Getpid() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.leave()
	c.stopped = true
	_ = unix.Kill(0, unix.SIGTSTP) // all of the job, as the terminal does
}

// resume takes the terminal back after a stop. If that came from elsewhere than Ctrl-Z, the
// rows are above what the shell wrote, and stay there.
func (c *Console) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	if !c.foreground() { // it goes on in the background
		c.stopped = true
		return
	}
	if _, err := term.MakeRaw(int(c.o.Keyboard.Fd())); err != nil {
		return // it is gone, which the keyboard tells
	}
	c.stopped = false
	c.enter()
}

// foreground reports whether the terminal is this job's, as far as that is known.
func (c *Console) foreground() bool {
	group, err := unix.IoctlGetInt(int(c.o.Keyboard.Fd()), unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp()
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
