package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// privateMark is the variable that tells a process that it is the one in the network of
// its own.
const privateMark = "PRESENCE_BENCH_PRIVATE"

func isPrivate() bool { return os.Getenv(privateMark) != "" }

// runPrivate runs this program again, in a network namespace of its own, and returns its
// exit code. Its temporary files, and what it prints, are as without.
func runPrivate(ctx context.Context, args []string) (code int, err error) {
	self, err := os.Executable()
	if err != nil {
		return codeFailed, err
	}
	cmd := exec.CommandContext(ctx, self, args...) //nolint:gosec // this program
	cmd.Env = append(os.Environ(), privateMark+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode(), nil // it has said why
	case errors.Is(err, unix.EPERM):
		return codeFailed, fmt.Errorf("--private: a network of its own needs root: %w", err)
	case err != nil:
		return codeFailed, err
	}
	return codeHeld, nil
}

// raiseLoopback makes 127.0.0.1 of a new network work.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer func() { _ = unix.Close(fd) }()
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("raise the loopback: %w", err)
	}
	return nil
}
