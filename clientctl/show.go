package main

import (
	"context"
	"fmt"
	"time"

	"github.com/presenced/presence/clientctl/console"
	"github.com/presenced/presence/clientctl/talk"
	"github.com/presenced/presence/clientctl/terminal"
	"github.com/spf13/pflag"
)

// probeEach is how often a console measures how long the server takes.
const probeEach = 10 * time.Second

func addColour(fs *pflag.FlagSet, colour *string) {
	fs.StringVar(colour, "color", "auto", "`WHEN` to use colours: auto (at a terminal, unless NO_COLOR is set), always or never")
}

func checkColour(when string) error { return oneOf("color", when, "auto", "always", "never") }

// colours decides about colours on a terminal, or on what is none.
func (p process) colours(when string, isTerminal bool) terminal.Colours {
	switch when {
	case "always":
		return true
	case "never":
		return false
	}
	return terminal.Colours(isTerminal && terminal.MayColour(p.lookup))
}

// linesOf shows a talk line by line.
func linesOf(output, colour string, p process) talk.Show {
	if output == "json" {
		return talk.NewJSON(p.out, p.err, p.terminal)
	}
	return talk.NewText(p.out, p.err, talk.Look{
		Fold:    p.terminal,
		Colours: p.colours(colour, p.terminal),
		Notices: p.colours(colour, p.widthErr != nil),
		Width:   p.width(), NoticeWidth: p.widthErr,
	})
}

// width is how many characters a line of a terminal has; nil: out is none.
func (p process) width() func() int {
	if p.size == nil {
		return nil
	}
	return func() int {
		width, _ := p.size()
		return width
	}
}

// console reports whether a person sits at a terminal on which lines can be moved.
func (p process) console() bool {
	return p.terminal && p.terminalIn && p.handles.in != nil && p.handles.out != nil && terminal.Moves(p.lookup) && console.Supported
}

// converse talks at a console, which the end of ctx closes at once: a second signal would
// end the program without giving the terminal back.
func converse(ctx context.Context, c talk.Config, colour string, p process) error {
	ctx, interrupt := context.WithCancel(ctx)
	defer interrupt()
	show := console.NewShow(c.Address, p.colours(colour, true))
	screen, err := console.Open(console.Options{
		Keyboard:  p.handles.in,
		Screen:    p.handles.out,
		Colours:   p.colours(colour, true),
		Complete:  talk.Complete,
		Status:    show.Status,
		Interrupt: interrupt,
	})
	if err != nil {
		return fmt.Errorf("use the terminal: %w", err)
	}
	defer screen.Close()
	defer context.AfterFunc(ctx, screen.Close)()
	notices := p.err
	if p.widthErr != nil {
		notices = screen
	}
	show.Attach(talk.NewText(screen, notices, talk.Look{
		Fold:    true,
		Colours: p.colours(colour, true),
		Notices: p.colours(colour, p.widthErr != nil),
		In:      p.now().Location(),
		Width:   p.width(), NoticeWidth: p.widthErr,
	}), screen.Refresh)
	c.Show, c.Input, c.Probe = show, screen, probeEach
	return talk.New(c).Run(ctx)
}
