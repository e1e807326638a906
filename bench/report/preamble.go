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
	commit := b.Commit
	if b.Modified {
		commit += ", and changes that are not committed"
	}
	_, err := fmt.Fprintf(w, preamble,
		strings.Join(append([]string{"go run ./run"}, args...), " "),
		time.Now().UTC().Format("2006-01-02 15:04 UTC"), commit, b.Go, store, machine(), load())
	return err
}

const preamble = `# Results

Written by ` + "`%s`" + `, run in ` + "`bench/`" + `. Clients and server share one machine and its
processors, so absolute times are those of both together; other programs may run
there too: see the load. The spread between rounds says how far to trust a number.

- when: %s
- commit: %s
- compiler: %s
- store: %s
- machine: %s
- load of the machine at the end (1, 5, 15 minutes): %s

A goal is judged by the median of the rounds, or where it says so by every round.

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

// load is the number of processes that ran or wanted to, on average.
func load() string {
	text, _ := os.ReadFile("/proc/loadavg") // without it the load is unknown
	fields := strings.Fields(string(text))
	if len(fields) < 3 {
		return "unknown"
	}
	return strings.Join(fields[:3], ", ")
}
