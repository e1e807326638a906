package compare

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
)

// benchmarks are those of the product that say what a message, a tick and a command
// allocate: by package, how often each runs, and their names.
var benchmarks = []struct{ pkg, times, names string }{
	{"./services/gateway", "20000x", "^(BenchmarkBroadcast|BenchmarkEcho|BenchmarkStream)$"},
	{"./services/timepush", "100000x", "^BenchmarkEncode$"},
	{"./services/protocol", "100000x", "^(BenchmarkParse|BenchmarkAppend)$"},
	{"./services/session", "100000x", "^BenchmarkSession_Text$"},
}

// Allocation is what one benchmark allocates.
type Allocation struct {
	Benchmark string
	Count     float64
	Per       string // op, or client
}

// Allocations runs benchmarks of the product, whose checkout is root.
func Allocations(ctx context.Context, root string) ([]Allocation, error) {
	var all []Allocation
	for _, b := range benchmarks {
		cmd := exec.CommandContext(ctx, "go", "test", "-run=^$", "-bench="+b.names, "-benchmem", "-benchtime="+b.times, b.pkg) //nolint:gosec // ours
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("go test -bench of %s: %w\n%s", b.pkg, err, out)
		}
		found := parseBenchmarks(out)
		if len(found) == 0 {
			return nil, fmt.Errorf("go test -bench=%s of %s measured nothing:\n%s", b.names, b.pkg, out)
		}
		all = append(all, found...)
	}
	return all, nil
}

// parseBenchmarks finds what go test says of allocations, of a client if it says that.
func parseBenchmarks(out []byte) []Allocation {
	var all []Allocation
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name, _, _ := cutLast(strings.TrimPrefix(fields[0], "Benchmark"), "-") // the number of processors
		a := Allocation{Benchmark: name}
		for i := 2; i+1 < len(fields); i += 2 {
			per, ok := strings.CutPrefix(fields[i+1], "allocs/")
			if v, err := strconv.ParseFloat(fields[i], 64); ok && err == nil && a.Per != "client" {
				a.Count, a.Per = v, per
			}
		}
		if a.Per != "" {
			all = append(all, a)
		}
	}
	return all
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// mostAllocations are too few to be one for each client or command: what a timer or the
// test itself allocates now and then.
const mostAllocations = 0.01

func (a Allocation) held() bool { return a.Count <= mostAllocations }

// WriteAllocations writes them as a table in Markdown, and returns how many goals were
// missed.
func WriteAllocations(w io.Writer, all []Allocation) (missed int, err error) {
	var b strings.Builder
	b.WriteString("### allocations, by the benchmarks of the product\n\n| benchmark | allocations | goal | held |\n|---|--:|---|---|\n")
	for _, a := range all {
		verdict := "yes"
		if !a.held() {
			verdict = "**no**"
			missed++
		}
		fmt.Fprintf(&b, "| %s | %s per %s | 0 | %s |\n", a.Benchmark, number(a.Count), a.Per, verdict)
	}
	b.WriteString("\n")
	_, err = io.WriteString(w, b.String())
	return missed, err
}
