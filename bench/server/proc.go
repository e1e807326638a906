package server

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// AnonymousMemory is how much memory of its own the process has, in bytes: its heap
// and stacks, whether in use or not yet given back; not its program and not its file.
func (s *Server) AnonymousMemory() (int64, error) {
	return kilobytes(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid), "RssAnon:")
}

// KernelMemory is what the kernel of this machine has in its slabs, in bytes: sockets
// of every process among it.
func KernelMemory() (int64, error) { return kilobytes("/proc/meminfo", "Slab:") }

// kilobytes reads one line of a file of the form "Name:  123 kB".
func kilobytes(path, name string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) == 3 && string(fields[0]) == name {
			kb, err := strconv.ParseInt(string(fields[1]), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("%s has no line %s", path, name)
}

// processClock makes the id of the clock of a process's processor time: clock_getcpuclockid(3).
func processClock(pid int) int32 {
	const perThread, byScheduler = 0, 2
	return int32(^pid)<<3 | perThread | byScheduler
}

// ProcessorTime is what the process has used, of all cores, in its own code and in
// the kernel for it, to the nanosecond.
func (s *Server) ProcessorTime() (time.Duration, error) {
	var t unix.Timespec
	err := unix.ClockGettime(processClock(s.cmd.Process.Pid), &t)
	return time.Duration(t.Nano()), os.NewSyscallError("clock_gettime", err)
}

// Collect tells the server to collect its garbage, and does not wait until it has. It is
// for servers of this module: others end by the signal.
func (s *Server) Collect() error { return s.cmd.Process.Signal(syscall.SIGUSR1) }
