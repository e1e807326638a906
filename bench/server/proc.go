package server

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
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

// clockTick is the unit of processor time in /proc: USER_HZ is 100 on every Linux.
const clockTick = 10 * time.Millisecond

// ProcessorTime is what the process has used, of all cores, in its own code and in
// the kernel for it.
func (s *Server) ProcessorTime() (time.Duration, error) {
	path := fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid)
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	// The name of the program, in parentheses, may have spaces.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("%s is too short", path)
	}
	user, err1 := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * clockTick, errors.Join(err1, err2)
}
