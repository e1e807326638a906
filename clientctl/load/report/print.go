package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/presenced/presence/clientctl/terminal"
)

// Print shows the report to a person.
func (r *Report) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s to %s, %s", count(int64(len(r.Runs)), "run"), terminal.Escape(strings.Join(r.Servers, ", ")),
		r.Until.Sub(r.From).Round(100*time.Millisecond))
	if r.Interrupted {
		b.WriteString(", interrupted")
	}
	c, t, m := r.Connections, r.Ticks, r.Commands
	fmt.Fprintf(&b, "\n\nconnections  %d asked, %d welcomed, %d failed, %d lost\n", c.Asked, c.Welcomed, c.Failed, c.Lost)
	fmt.Fprintf(&b, "ticks        %d received, %d missed (%s)\n", t.Received, t.Missed, percent(t.Missed, t.Received+t.Missed))
	if m.Sent > 0 {
		fmt.Fprintf(&b, "commands     %d sent, %d answered, %d failed\n", m.Sent, m.Answered, m.Failed)
	}
	b.WriteByte('\n')
	r.printTimes(&b)
	r.printErrors(&b)
	r.printDoubts(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) printTimes(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "TIME\tP50\tP90\tP99\tP99.9\tMAX")
	for _, row := range [...]struct {
		name string
		h    Histogram
	}{
		{"connect", r.Connect}, {"welcome", r.Welcome}, {"tick lateness", r.Ticks.Lateness},
		{"command", r.Commands.Latency}, {"own delay", r.Delay},
	} {
		if row.h.Count() == 0 {
			continue
		}
		fmt.Fprint(tw, row.name)
		for _, q := range []float64{0.5, 0.9, 0.99, 0.999, 1} {
			fmt.Fprintf(tw, "\t%s", row.h.Quantile(q))
		}
		fmt.Fprintln(tw)
	}
	_ = tw.Flush() // to memory
}

func (r *Report) printErrors(w io.Writer) {
	if len(r.Errors.Connect)+len(r.Errors.Lost)+len(r.Errors.Command) == 0 {
		return
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "\nERROR\tKIND\tCOUNT\tSUCH AS")
	for _, when := range [...]struct {
		name  string
		kinds Kinds
	}{{"connect", r.Errors.Connect}, {"lost", r.Errors.Lost}, {"command", r.Errors.Command}} {
		for _, kind := range when.kinds.Sorted() {
			one := when.kinds[kind]
			fmt.Fprintf(tw, "%s\t%s\t%d\t%s\n", when.name, terminal.Escape(kind), one.Count, cmp.Or(terminal.Escape(one.Example), "-"))
		}
	}
	_ = tw.Flush() // to memory
}

// Sorted are the kinds, the most frequent first.
func (k Kinds) Sorted() []string {
	return slices.SortedFunc(maps.Keys(k), func(a, b string) int {
		return cmp.Or(cmp.Compare(k[b].Count, k[a].Count), strings.Compare(a, b))
	})
}

// doubtful is how late this program may be itself, at the p99, before its figures are
// doubtful.
const doubtful = 20 * time.Millisecond

// printDoubts says when the figures are not what they seem.
func (r *Report) printDoubts(w io.Writer) {
	if r.Ticks.Early > 0 {
		fmt.Fprintf(w, "\n%d ticks came before their second: the clocks here and there differ, so lateness means little.\n", r.Ticks.Early)
	}
	if p99 := r.Delay.Quantile(0.99); p99 > doubtful {
		fmt.Fprintf(w, "\nThis program was late itself, by %s at the p99: use more or other machines, or a lower load, to see the server alone.\n", p99)
	}
}

func percent(part, all int64) string {
	if all == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f%%", float64(part)*100/float64(all))
}

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
