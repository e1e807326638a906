package witness

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Process is one presenced that runs as a process of its own, or did.
type Process struct {
	Clients string // address for clients, ws://
	Admin   string // address of the operator's API, http://

	cmd *exec.Cmd
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
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd}
	late := time.AfterFunc(serveTimeout, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	if err := p.greeting(out); err != nil {
		p.Kill()
		return nil, fmt.Errorf("%s did not start: %w", cmd.Path, err)
	}
	return p, nil
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
	_ = p.cmd.Wait()
}

// Pause stops the process (SIGSTOP) until Continue.
func (p *Process) Pause() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// Continue lets a paused process go on (SIGCONT).
func (p *Process) Continue() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// Wait waits until the process has ended by itself. Its error says how, if not well.
func (p *Process) Wait() error { return p.cmd.Wait() }

// Stop ends the process in good order.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.cmd.Wait()
}
