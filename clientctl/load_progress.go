package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/presenced/presence/clientctl/load"
)

const (
	liveEvery  = 250 * time.Millisecond // the line of a terminal
	plainEvery = 10 * time.Second       // a line of a file
	barWidth   = 20
)

// status shows how a load goes: on a terminal in one line that changes, without colours,
// elsewhere by a line every ten seconds.
type status struct {
	w     io.Writer
	width func() int // of the terminal, in characters; nil: it is none, or cannot move its cursor
}

// attach has the status told.
func (s status) attach(c *load.Config) {
	c.Watch, c.Every = s.show, plainEvery
	if s.width != nil {
		c.Every = liveEvery
	}
}

func (s status) show(p load.Progress) {
	if s.width == nil {
		fmt.Fprintln(s.w, figures(p))
		return
	}
	line := bar(p.Done) + " " + figures(p)
	fmt.Fprintf(s.w, "\r%.*s\x1b[K", max(s.width()-1, 0), line)
}

// clear takes the line off a terminal.
func (s status) clear() {
	if s.width != nil {
		fmt.Fprint(s.w, "\r\x1b[K")
	}
}

func bar(done float64) string {
	full := int(min(max(done, 0), 1) * barWidth)
	return fmt.Sprintf("[%s%s] %3d%%", strings.Repeat("#", full), strings.Repeat("-", barWidth-full), int(min(max(done, 0), 1)*100))
}

func figures(p load.Progress) string {
	s := fmt.Sprintf("%s %s  %d of %d open  %d errors", p.Phase, p.Elapsed.Round(time.Second), p.Open, p.Asked, p.Errors)
	if p.Ticks+p.Missed > 0 {
		s += fmt.Sprintf("  ticks %d missed, p99 %s late", p.Missed, short(p.LatenessP99))
	}
	if p.Answered > 0 {
		s += fmt.Sprintf("  commands %d, p99 %s", p.Answered, short(p.CommandP99))
	}
	return s
}

func short(d time.Duration) string { return d.Round(10 * time.Microsecond).String() }
