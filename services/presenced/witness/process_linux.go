package witness

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Process is one presenced that runs as a process of its own, or did.
type Process struct {
	Clients string // address for clients, ws://
	Admin   string // address of the operator's API, http://

	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
	err   error         // how; set before ended is closed
}

// serveTimeout is how long a process may take until it serves: a start on a database
// where its earlier epoch is not sealed takes 7 s and more.
const serveTimeout = 2 * time.Minute

// Start starts a command that is presenced and returns when it serves. Its standard
// output is read by Start, the rest is as cmd says. It dies with this process.
func Start(cmd *exec.Cmd) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, ended: make(chan struct{})}
	if err := p.start(); err != nil {
		return nil, err
	}
	late := time.AfterFunc(serveTimeout, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	if err := p.greeting(out); err != nil {
		p.Kill()
		return nil, fmt.Errorf("%s did not start: %w", cmd.Path, err)
	}
	return p, nil
}

// start starts the process from a thread that lives for as long as it does. The kernel
// takes the end of that thread for the end of the parent (prctl(2), PR_SET_PDEATHSIG),
// and Go ends a thread with any goroutine that is locked to it, as Fibonacci workers are.
func (p *Process) start() error {
	started := make(chan error)
	go func() { // ends with the process; Kill, Wait and Stop wait for that
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.ended)
		}
	}()
	return <-started
}

// greeting reads what presenced says until it serves, and lets it go on talking.
func (p *Process) greeting(out io.Reader) error {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		switch word, rest, _ := strings.Cut(lines.Text(), " "); word {
		case "clients":
			p.Clients = strings.TrimSpace(rest)
		case "admin":
			p.Admin = strings.TrimSpace(rest)
		case "Stop":
			go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
			return nil
		}
	}
	return errors.Join(lines.Err(), errors.New("it ended before it served"))
}

// Kill ends the process at once, and waits for that.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// Pause stops the process (SIGSTOP) until Continue.
func (p *Process) Pause() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// Continue lets a paused process go on (SIGCONT).
func (p *Process) Continue() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// Wait waits until the process has ended by itself. Its error says how, if not well.
func (p *Process) Wait() error {
	<-p.ended
	return p.err
}

// Stop ends the process in good order.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.Wait()
}
