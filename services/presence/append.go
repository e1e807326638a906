package presence

import (
	"context"
	"errors"
	"fmt"

	"github.com/presenced/presence/events"
)

// appendRun appends run, passing over what is there already: earlier tries of the
// same run whose acknowledgement was lost, or, in a takeover, the same events by
// another peer. known is asked about each event that is found in the place of one
// of run, and returns nil to pass over it.
//
// It returns how many events of run, from the first, are known to be durable, and
// nil if that is all of them. After any error it may be called again with run, or
// with what is left of it.
//
// What is there is read forward from the first position that is not known. The tail
// of the stream says nothing about it: it may lie beyond a seal.
func appendRun(ctx context.Context, log events.Log, run []events.Event, known func(found, mine events.Event) error) (int, error) {
	done := 0
	for done < len(run) {
		n, err := log.Append(ctx, run[done:])
		done += n
		if err == nil {
			return done, nil
		}
		if _, occupied := errors.AsType[*events.OccupiedError](err); !occupied {
			return done, fmt.Errorf("append at %s: %w", run[done].ID, err)
		}
		found, err := passOver(ctx, log, run[done:], known)
		done += found
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// passOver counts the events of run that the log has, from the first.
func passOver(ctx context.Context, log events.Log, run []events.Event, known func(found, mine events.Event) error) (int, error) {
	there, err := log.Read(ctx, run[0].ID, len(run))
	if err != nil {
		return 0, fmt.Errorf("read what occupies %s: %w", run[0].ID, err)
	}
	n := 0
	for n < len(there) && there[n].ID == run[n].ID {
		if err := known(there[n], run[n]); err != nil {
			return n, err
		}
		n++
	}
	if n == 0 {
		// Taken, and not yet to be read: its write is not yet majority-committed.
		return 0, fmt.Errorf("read what occupies %s: not visible yet: %w", run[0].ID, events.ErrUnavailable)
	}
	return n, nil
}
