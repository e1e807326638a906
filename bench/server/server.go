package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Server is a presenced, or another program that says where it listens as that does,
// that runs. Its methods may be called by one goroutine.
type Server struct {
	// static after Start
	cmd    *exec.Cmd
	addr   netip.AddrPort
	errors *bytes.Buffer // what it wrote to standard error; complete after Stop
}

// startTime is how long a server may take until it says where it listens.
const startTime = 30 * time.Second

// Start runs a program with the variables env, and those of this process that a
// program needs to run at all. It serves on a free port of 127.0.0.1.
func Start(ctx context.Context, path string, env ...string) (*Server, error) {
	s := &Server{cmd: exec.Command(path), errors: new(bytes.Buffer)} //nolint:noctx // Stop ends it
	s.cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"WS_HOST=127.0.0.1", "WS_PORT=0", "ADMIN_ADDR=127.0.0.1:0",
	}, env...)
	s.cmd.Stderr = s.errors
	// If the benchmark is killed, its server is too.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, s.kill)
	defer stop()
	late := time.AfterFunc(startTime, s.kill)
	defer late.Stop()
	if s.addr, err = greeting(out); err != nil {
		s.kill()
		return nil, errors.Join(fmt.Errorf("%s did not start: %w", path, err), s.wait())
	}
	return s, nil
}

// greeting finds the address for clients in what a server prints when it starts.
func greeting(r io.Reader) (netip.AddrPort, error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "clients "); ok {
			return netip.ParseAddrPort(strings.TrimPrefix(strings.TrimSpace(url), "ws://"))
		}
	}
	return netip.AddrPort{}, errors.Join(lines.Err(), errors.New("it did not say where it listens"))
}

// Addr is where clients connect to.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Stop ends the server in good order and returns an error, with what it said, if it
// did not end well.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.wait()
}

func (s *Server) kill() { _ = s.cmd.Process.Kill() }

func (s *Server) wait() error {
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(s.cmd.Path), err, s.errors)
	}
	return nil
}
