//go:build unix

package console

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// stopping is what is known of a stop that was asked for. The system heeds none where no
// shell could end it: then no SIGCONT comes, and the time goes on.
type stopping struct {
	looks int              // how often was looked
	look  <-chan time.Time // fires when to look again; nil: there is nothing to look for
}

// After so many looks without SIGCONT there was no stop. After one it comes at once; but the
// first look is due by then, too.
const (
	enoughLooks = 5
	lookEach    = 100 * time.Millisecond
)

// stop gives the terminal to the shell until it gives it back: SIGCONT follows. Without a
// shell that could do so nothing happens.
func (c *Console) stop() stopping {
	if session, err := unix.Getsid(0); err != nil || session == os.Getpid() {
		return stopping{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return stopping{}
	}
	c.leave()
	c.stopped = true
	_ = unix.Kill(0, unix.SIGTSTP) // all of the job, as the terminal does
	return stopping{look: time.After(lookEach)}
}

// unheeded looks whether a stop came about, and goes on if not.
func (c *Console) unheeded(s stopping) stopping {
	if s.looks++; s.looks < enoughLooks {
		return stopping{s.looks, time.After(lookEach)}
	}
	c.resume()
	return stopping{}
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
