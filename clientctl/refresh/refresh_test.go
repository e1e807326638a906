package refresh_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/refresh"
	"github.com/presenced/presence/clientctl/table"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noted notes what it is to show.
type noted struct{ lines []string }

func (n *noted) Frame(f refresh.Frame, at time.Time) error {
	n.lines = append(n.lines, fmt.Sprint(at.Format("05.0"), " ", f.Rows))
	return nil
}

func (n *noted) Failed(err error, at time.Time) error {
	n.lines = append(n.lines, fmt.Sprint(at.Format("05.0"), " ", err))
	return nil
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		n, show := 0, &noted{}
		err := refresh.Run(ctx, refresh.Config{
			Every: 2 * time.Second, Show: show, Now: time.Now,
			Look: func(ctx context.Context) (refresh.Frame, error) {
				switch n++; n {
				case 2: // a slow one puts off the next
					time.Sleep(time.Second)
				case 3:
					return refresh.Frame{}, errors.New("away")
				case 4: // one that hangs is given up
					<-ctx.Done()
					return refresh.Frame{}, ctx.Err()
				case 6:
					cancel()
				}
				return refresh.Frame{Rows: n}, nil
			},
		})
		want := "00.0 1, 03.0 2, 05.0 away, 37.0 context deadline exceeded, 39.0 5"
		if got := strings.Join(show.lines, ", "); got != want || !errors.Is(err, fault.ErrInterrupted) {
			t.Errorf("%v, got %s, want %s", err, got, want)
		}
	})
}

func TestRun_TheFirstLookFails(t *testing.T) {
	away := errors.New("away")
	show := &noted{}
	err := refresh.Run(t.Context(), refresh.Config{Show: show, Look: func(context.Context) (refresh.Frame, error) { return refresh.Frame{}, away }})
	if !errors.Is(err, away) || show.lines != nil {
		t.Errorf("%v, shown %v", err, show.lines)
	}
}

func TestRun_InterruptedInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := refresh.Run(ctx, refresh.Config{
			Every: time.Hour, Show: &noted{}, Now: time.Now,
			Look: func(context.Context) (refresh.Frame, error) { return refresh.Frame{}, nil },
		})
		if !errors.Is(err, fault.ErrInterrupted) {
			t.Error(err)
		}
	})
}

var at = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// of is a frame of lines.
func of(lines ...string) refresh.Frame {
	return refresh.Frame{Rows: lines, Draw: func(s table.Screen) error {
		for _, l := range lines {
			fmt.Fprintln(s, l)
		}
		return nil
	}}
}

// broken is a frame that cannot be drawn.
func broken(err error) refresh.Frame {
	return refresh.Frame{Draw: func(table.Screen) error { return err }}
}

func TestInPlace(t *testing.T) {
	var b bytes.Buffer
	size := [2]int{40, 6}
	s := &refresh.InPlace{Out: &b, Size: func() (int, int) { return size[0], size[1] }, Every: time.Minute}
	const next = "\r\n\x1b[2K"
	for _, step := range []struct {
		name string
		do   func() error
		want string
	}{
		{"the first pushes up what was there", func() error { return s.Frame(of("a", "b"), at) },
			"\n\n\n\n\n\x1b[H\x1b[2K2026-11-23 10:00:00 UTC, every 1m" + next + next + "a" + next + "b\r\n\x1b[J"},
		{"the next takes its place", func() error { return s.Frame(of("c"), at.Add(time.Minute)) },
			"\x1b[H\x1b[2K2026-11-23 10:01:00 UTC, every 1m" + next + next + "c\r\n\x1b[J"},
		{"a failure is told above it", func() error { return s.Failed(errors.New("away\x1b"), at.Add(2*time.Minute)) },
			"\x1b[H\x1b[2K2026-11-23 10:01:00 UTC, every 1m. As of" + next + `10:02:00: away\x1b` + next + next + "c\r\n\x1b[J"},
		{"what has no room is counted", func() error { return s.Frame(of("a", "b", "c", "d", "e"), at) },
			"\x1b[H\x1b[2K2026-11-23 10:00:00 UTC, every 1m" + next + next + "a" + next + "b" + next + "… and 3 lines more\r\n\x1b[J"},
		{"a terminal that has become small", func() error { size = [2]int{10, 1}; return s.Frame(of("a", "b"), at) },
			"\x1b[H\x1b[2K… and 4 l…\r\n\x1b[J"},
	} {
		b.Reset()
		if err := step.do(); err != nil || b.String() != step.want {
			t.Errorf("%s: %v\ngot  %q\nwant %q", step.name, err, b.String(), step.want)
		}
	}
	if err := s.Frame(broken(errors.ErrUnsupported), at); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

func TestOneByOne(t *testing.T) {
	var b bytes.Buffer
	var said []string
	s := &refresh.OneByOne{Out: table.Screen{Writer: &b}, Every: 90 * time.Second, Notice: func(text string) { said = append(said, text) }}
	away := errors.New("away")
	for i, err := range []error{
		s.Frame(of("a"), at), s.Failed(away, at.Add(time.Second)), s.Failed(away, at.Add(2*time.Second)),
		s.Failed(errors.New("far away"), at.Add(3*time.Second)), s.Frame(of("b"), at.Add(4*time.Second)), s.Failed(away, at.Add(5*time.Second)),
	} {
		if err != nil {
			t.Errorf("step %d: %v", i, err)
		}
	}
	if got, want := b.String(), "2026-11-23 10:00:00 UTC, every 1m30s\na\n\n2026-11-23 10:00:04 UTC, every 1m30s\nb\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	want := `2026-11-23 10:00:01 UTC: away; trying again every 1m30s
2026-11-23 10:00:03 UTC: far away; trying again every 1m30s
2026-11-23 10:00:04 UTC: it works again
2026-11-23 10:00:05 UTC: away; trying again every 1m30s`
	if got := strings.Join(said, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	s := refresh.JSON{Out: &b, Escape: true}
	for _, err := range []error{s.Frame(of("a\u202e"), at), s.Frame(refresh.Frame{Rows: []string{}}, at), s.Failed(errors.New("away"), at)} {
		if err != nil {
			t.Error(err)
		}
	}
	want := `{"time":"2026-11-23T10:00:00Z","rows":["a\u202e"]}
{"time":"2026-11-23T10:00:00Z","rows":[]}
{"time":"2026-11-23T10:00:00Z","error":"away"}
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
