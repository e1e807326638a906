package report

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/presenced/presence/bench/server"
)

// Preamble writes what somebody has to know to judge the table, and to run it again.
func Preamble(w io.Writer, b server.Build, store string, args []string) error {
	_, err := io.WriteString(w, preamble)
	if err == nil {
		err = Facts(w, b, store, args)
	}
	if err == nil {
		_, err = io.WriteString(w, "\nA goal is judged by the median of the rounds, or where it says so by every round.\n\n")
	}
	return err
}

const preamble = `# Results

Clients and server share one machine and its
processors, so absolute times are those of both together; other programs may run
there too: see the load. The spread between rounds says how far to trust a number.

`

// Facts writes where, when and of what something was measured, and how to do it again.
func Facts(w io.Writer, b server.Build, store string, args []string) error {
	commit := b.Commit
	if b.Modified {
		commit += ", and changes that are not committed"
	}
	_, err := fmt.Fprintf(w, facts,
		strings.Join(append([]string{"go run ./run"}, args...), " "),
		time.Now().UTC().Format("2006-01-02 15:04 UTC"), commit, b.Go, store, machine(), priority(), load())
	return err
}

const facts = "- written by `%s`, run in `bench/`" + `
- when: %s
- commit: %s
- compiler: %s
- store: %s
- machine: %s
- priority of clients and servers: %s
- load of the machine at the end (1, 5, 15 minutes): %s
`

// machine says what this machine is.
func machine() string {
	kernel := "unknown kernel"
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		kernel = unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
	}
	return fmt.Sprintf("%d × %s, %s", runtime.NumCPU(), processor(), kernel)
}

// processor is the model of the first processor.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // without it the model is unknown
	for line := range bytes.Lines(text) {
		name, value, _ := strings.Cut(string(line), ":")
		if strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor, " + runtime.GOARCH
}

// priority is the nice value of this process and of its autogroup, the processes of a
// session, by which Linux shares a processor between sessions (sched(7)). The servers
// have them, too.
func priority() string {
	const highest = 20                               // the system call returns 20 - nice
	p, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // of this thread; nobody has changed one
	if err != nil {
		return "unknown"
	}
	text := fmt.Sprintf("nice %d", highest-p)
	group, err := os.ReadFile("/proc/self/autogroup") // "/autogroup-49 nice 0"
	if fields := strings.Fields(string(group)); err == nil && len(fields) == 3 {
		text += ", their session " + fields[2]
	}
	return text
}

// load is the number of processes that ran or wanted to, on average.
func load() string {
	text, _ := os.ReadFile("/proc/loadavg") // without it the load is unknown
	fields := strings.Fields(string(text))
	if len(fields) < 3 {
		return "unknown"
	}
	return strings.Join(fields[:3], ", ")
}
