package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// enough is more than any of the suite's streams, users or connections.
const enough = 10_000

// tester is what the checks need of a *testing.T or a *rapid.T.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
}

func must(t tester, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mustBe fails unless err wraps want, and is of no other class.
func mustBe(t tester, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want one that wraps %q", err, want)
	}
	mustBeOneClass(t, err)
}

// mustBeOneClass fails if err is of several classes, so that callers would do now
// this, now that about it.
func mustBeOneClass(t tester, err error) {
	t.Helper()
	var is []string
	if _, occupied := errors.AsType[*events.OccupiedError](err); occupied {
		is = append(is, "occupied")
	}
	for _, class := range []error{
		events.ErrUnavailable, events.ErrRefused, events.ErrInvalid, events.ErrNotFound,
		presence.ErrFenced, presence.ErrBeatLost, presence.ErrHookTaken,
	} {
		if errors.Is(err, class) {
			is = append(is, class.Error())
		}
	}
	if len(is) > 1 {
		t.Fatalf("error %v is of several classes: %q", err, is)
	}
}

// mustBeOccupied fails unless err says that p is taken, and nothing else.
func mustBeOccupied(t tester, err error, p events.Position) {
	t.Helper()
	var occupied *events.OccupiedError
	if !errors.As(err, &occupied) {
		t.Fatalf("error %v, want an *events.OccupiedError", err)
	}
	mustBeOneClass(t, err)
	if occupied.At != p {
		t.Fatalf("%s is said to be occupied, want %s", occupied.At, p)
	}
}

// mustCount fails unless n is want.
func mustCount(t tester, n, want int) {
	t.Helper()
	if n != want {
		t.Fatalf("n is %d, want %d", n, want)
	}
}

// mustEqual fails unless got and want have the same elements, in the same order;
// empty and nil are the same.
func mustEqual[T comparable](t tester, got, want []T) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("element %d of %d\nis   %+v\nwant %+v", i, len(want), got[i], want[i])
		}
	}
	t.Fatalf("%d elements, want %d", len(got), len(want))
}

func mustAppend(t tester, log events.Log, run []events.Event) {
	t.Helper()
	n, err := log.Append(t.Context(), run)
	must(t, err)
	mustCount(t, n, len(run))
}

func mustRecord(t tester, r presence.Recorder, run []events.Event) {
	t.Helper()
	n, err := r.Record(t.Context(), run)
	must(t, err)
	mustCount(t, n, len(run))
}

// mustHold fails unless the log holds the stream of want, and it is want.
func mustHold(t tester, log events.Log, s events.Stream, want []events.Event) {
	t.Helper()
	got, err := log.Read(t.Context(), s.At(0), enough)
	must(t, err)
	mustEqual(t, got, want)
}

// mustShow fails unless online holds exactly these connections of the stream.
func mustShow(t tester, o presence.Online, s events.Stream, want []presence.Connection) {
	t.Helper()
	got, err := o.OfStream(t.Context(), s.At(0), enough)
	must(t, err)
	mustEqual(t, got, want)
}

// connections are the documents that the connected events among run become.
func connections(run ...events.Event) (all []presence.Connection) {
	for _, e := range run {
		if e.Type == events.Connected {
			all = append(all, presence.ConnectionOf(e))
		}
	}
	return all
}

// patience is how long eventually waits: well over the second that the contract
// gives UserPage.Total.
const patience = time.Minute

// eventually fails unless wanted becomes true in time.
func eventually(t tester, what string, wanted func() bool) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	late := time.NewTimer(patience)
	defer late.Stop()
	for !wanted() {
		select {
		case <-again.C:
		case <-late.C:
			t.Fatalf("after %s: not yet: %s", patience, what)
		}
	}
}

// ended is a context that has ended.
func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
