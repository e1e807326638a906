package report

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Limits are what a report must keep to. The zero value of each is no limit.
type Limits struct {
	CommandP99  time.Duration // of the commands; one that failed counts as slower than any
	LatenessP99 time.Duration // of the ticks
	Missed      Share         // of the ticks
	Errors      Share         // of connections and commands; if it is not set, see JudgeMost
}

// Judge says of each limit that did not hold what it is and what was found.
func (l Limits) Judge(r *Report) (broken []string) {
	add := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	if l.CommandP99 > 0 {
		p99, ok := r.Commands.Latency.QuantileWith(0.99, r.Commands.Failed)
		switch {
		case !ok:
			add("the p99 of commands has no end, since %d of %d failed: more than %s", r.Commands.Failed, r.Commands.Sent, l.CommandP99)
		case p99 > l.CommandP99:
			add("the p99 of commands is %s: more than %s", p99, l.CommandP99)
		}
	}
	if l.LatenessP99 > 0 {
		switch p99 := r.Ticks.Lateness.Quantile(0.99); {
		case r.Ticks.Received == 0:
			add("no tick came: their p99 is more than %s", l.LatenessP99)
		case p99 > l.LatenessP99:
			add("the p99 of the ticks' lateness is %s: more than %s", p99, l.LatenessP99)
		}
	}
	if all := r.Ticks.Received + r.Ticks.Missed; l.Missed.broken(r.Ticks.Missed, all) || l.Missed.set && all == 0 {
		add("%d of %d ticks were missed: more than %s", r.Ticks.Missed, all, l.Missed)
	}
	errs := r.Connections.Failed + r.Connections.Lost + r.Commands.Failed
	if all := r.Connections.Asked + r.Commands.Sent; l.Errors.broken(errs, all) {
		add("%d of %d connections and commands failed: more than %s", errs, all, l.Errors)
	}
	return broken
}

// JudgeMost says what is wrong if most of a run came to nothing: of the connections, or of
// the commands. Nobody takes that for a success, so it is judged where no limit on Errors
// says how many may fail.
func (l Limits) JudgeMost(r *Report) (broken []string) {
	if l.Errors.set {
		return nil
	}
	if c := r.Connections; 2*(c.Failed+c.Lost) > c.Asked {
		broken = append(broken, fmt.Sprintf("%d of %d connections failed or were lost", c.Failed+c.Lost, c.Asked))
	}
	if m := r.Commands; 2*m.Failed > m.Sent {
		broken = append(broken, fmt.Sprintf("%d of %d commands failed", m.Failed, m.Sent))
	}
	return broken
}

// Share is a bound on a part of a whole: a number, or percents. The zero value is none.
type Share struct {
	set     bool
	percent bool
	most    float64
}

// errShare says what a Share is written like.
var errShare = errors.New("want a number such as 10, or a share such as 0.1%")

// Set reads a share. With String and Type it makes a Share the value of a flag.
func (s *Share) Set(text string) error {
	number, percent := strings.CutSuffix(text, "%")
	most, err := strconv.ParseFloat(number, 64)
	if err != nil || !(most >= 0) || math.IsInf(most, 0) || percent && most > 100 || !percent && most != math.Trunc(most) {
		return errShare
	}
	*s = Share{true, percent, most}
	return nil
}

// String returns the share as Set reads it, "" if there is none.
func (s Share) String() string {
	switch {
	case !s.set:
		return ""
	case s.percent:
		return strconv.FormatFloat(s.most, 'f', -1, 64) + "%"
	}
	return strconv.FormatFloat(s.most, 'f', -1, 64)
}

// Type names the value in a help text.
func (Share) Type() string { return "SHARE" }

// broken reports whether part is more of all than the share allows.
func (s Share) broken(part, all int64) bool {
	if s.percent {
		return s.set && float64(part)*100 > s.most*float64(all)
	}
	return s.set && float64(part) > s.most
}
