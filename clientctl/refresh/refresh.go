// Package refresh shows something again and again, as watch(1) does: it looks, shows what
// it sees, waits, and looks again, until it is interrupted. A look that fails is told, and
// the next one may work again; only the first has to work, since else the mistake is
// likely in the command line.
//
// All of it runs on the caller's goroutine, so looks never overlap: the pause is between
// the end of one and the beginning of the next, and a slow server is asked less often.
package refresh

import (
	"context"
	"time"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/table"
)

// patience is how long a look may take after the first one has worked, so that a server
// that hangs is told of.
const patience = 30 * time.Second

// Frame is what one look has seen.
type Frame struct {
	Draw func(table.Screen) error // shows it to a person; called once
	Rows any                      // the same for a program, to be encoded as JSON
}

// Show shows frames, and failures between them.
type Show interface {
	Frame(f Frame, at time.Time) error
	Failed(err error, at time.Time) error
}

// Config is what to show, and how often.
type Config struct {
	Every time.Duration // the pause between looks
	Look  func(context.Context) (Frame, error)
	Show  Show
	Now   func() time.Time
}

// Run looks and shows until ctx ends, and returns fault.ErrInterrupted then. It returns
// the error of the first look, or one of Show, which cannot write any more.
func Run(ctx context.Context, c Config) error {
	f, err := c.Look(ctx)
	if err != nil {
		return err
	}
	for {
		if err == nil {
			err = c.Show.Frame(f, c.Now())
		} else {
			err = c.Show.Failed(err, c.Now())
		}
		if err != nil {
			return err
		}
		if !Pause(ctx, c.Every) {
			return fault.ErrInterrupted
		}
		f, err = look(ctx, c)
		if ctx.Err() != nil { // whatever was seen
			return fault.ErrInterrupted
		}
	}
}

func look(ctx context.Context, c Config) (Frame, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return c.Look(ctx)
}

// Pause waits, and reports whether ctx still goes on.
func Pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
