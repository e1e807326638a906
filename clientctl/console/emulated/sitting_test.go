package emulated

import (
	"bytes"
	"context"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"github.com/presenced/presence/clientctl/console"
	"github.com/presenced/presence/clientctl/talk"
	"github.com/presenced/presence/clientctl/terminal"
	"github.com/presenced/presence/clientctl/wire"
	"go.uber.org/goleak"
	"golang.org/x/term"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds how long a test waits for anything.
func patience(t *testing.T) <-chan time.Time {
	t.Helper()
	return time.After(20 * time.Second)
}

// setting is how a sitting differs from the usual one.
type setting struct {
	columns, rows uint16 // default: 80 and 24
	colours       terminal.Colours
	probe         time.Duration
}

// sitting is a person at a terminal at which a talk takes place.
type sitting struct {
	t        *testing.T
	server   *server
	keyboard *os.File // and screen: the person's side
	device   *os.File // the program's side
	before   *term.State
	changed  chan struct{} // something was written to the screen

	mu   sync.Mutex
	emu  *vt.Emulator
	sent bytes.Buffer // all that came

	ended chan error
}

func sitDown(t *testing.T, set setting) *sitting {
	t.Helper()
	if set.columns == 0 {
		set.columns, set.rows = 80, 24
	}
	s := &sitting{t: t, server: serve(t), changed: make(chan struct{}, 1), ended: make(chan error, 1)}
	var err error
	if s.keyboard, s.device, err = pty.Open(); err != nil {
		t.Fatal(err)
	}
	s.emu = vt.NewEmulator(int(set.columns), int(set.rows))
	if err := pty.Setsize(s.keyboard, &pty.Winsize{Cols: set.columns, Rows: set.rows}); err != nil {
		t.Fatal(err)
	}
	if s.before, err = term.GetState(int(s.device.Fd())); err != nil {
		t.Fatal(err)
	}
	var looking, talking sync.WaitGroup
	looking.Go(s.look)
	ctx, interrupt := context.WithCancel(t.Context())
	talking.Go(func() { s.ended <- s.talk(ctx, interrupt, set) })
	t.Cleanup(func() {
		interrupt()
		talking.Wait()
		s.device.Close()
		s.keyboard.Close()
		looking.Wait()
	})
	return s
}

// talk is what `clientctl connect` does.
func (s *sitting) talk(ctx context.Context, interrupt func(), set setting) error {
	show := console.NewShow(s.server.address, set.colours)
	c, err := console.Open(console.Options{
		Keyboard: s.device, Screen: s.device, Colours: set.colours,
		Complete: talk.Complete, Status: show.Status, Interrupt: interrupt,
	})
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, c.Close)()
	width := func() int {
		columns, _, _ := term.GetSize(int(s.device.Fd())) // 0 is any
		return columns
	}
	show.Attach(talk.NewText(c, c, talk.Look{
		Fold: true, Colours: set.colours, Notices: set.colours, In: time.UTC, Width: width, NoticeWidth: width,
	}), c.Refresh)
	return talk.New(talk.Config{
		Address: s.server.address, Show: show, Input: c, Ends: true, Patience: time.Minute, Probe: set.probe,
		Dial:   wire.Options{Silence: time.Hour},
		Random: func() float64 { return 0.1 },
	}).Run(ctx)
}

// look takes what is written to the screen.
func (s *sitting) look() {
	buf := make([]byte, 4096)
	for {
		n, err := s.keyboard.Read(buf)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.sent.Write(buf[:n])
		s.emu.Write(buf[:n])
		s.mu.Unlock()
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
}

func (s *sitting) types(keys string) {
	s.t.Helper()
	if _, err := s.keyboard.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// screen is the rows that are not empty, with a bar at the cursor.
func (s *sitting) screen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.emu.CursorPosition()
	var rows []string
	for y := range s.emu.Height() {
		var row strings.Builder
		for x := 0; x < s.emu.Width(); {
			if at.X == x && at.Y == y {
				row.WriteString("|")
			}
			cell := s.emu.CellAt(x, y)
			if cell == nil || cell.Width == 0 {
				row.WriteString(" ")
				x++
				continue
			}
			row.WriteString(cell.Content)
			x += cell.Width
		}
		rows = append(rows, strings.TrimRight(row.String(), " "))
	}
	for len(rows) > 0 && rows[len(rows)-1] == "" {
		rows = rows[:len(rows)-1]
	}
	return rows
}

// meets waits until the server has welcomed the person.
func (s *sitting) meets() *peer {
	s.t.Helper()
	p := s.server.accept()
	s.sees(welcome, status, "> |")
	return p
}

// sees waits until the last rows of the screen are these.
func (s *sitting) sees(want ...string) {
	s.t.Helper()
	s.waits(strings.Join(want, "\n"), func(rows []string) bool {
		return len(rows) >= len(want) && slices.Equal(rows[len(rows)-len(want):], want)
	})
}

func (s *sitting) waits(what string, there func(rows []string) bool) {
	s.t.Helper()
	late := patience(s.t)
	for {
		rows := s.screen()
		if there(rows) {
			return
		}
		select {
		case <-s.changed:
		case <-late:
			s.t.Fatalf("the screen is\n%s\nwant\n%s", strings.Join(rows, "\n"), what)
		}
	}
}

// has reports whether a text was written to the screen at any time.
func (s *sitting) has(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.sent.String(), text)
}

// resizes makes the window another one, as the system tells of it.
func (s *sitting) resizes(columns, rows uint16) {
	s.t.Helper()
	s.mu.Lock()
	s.emu.Resize(int(columns), int(rows))
	s.mu.Unlock()
	if err := pty.Setsize(s.keyboard, &pty.Winsize{Cols: columns, Rows: rows}); err != nil {
		s.t.Fatal(err)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGWINCH); err != nil {
		s.t.Fatal(err)
	}
}

// leaves waits for the end of the talk, and checks that the terminal is as it was.
func (s *sitting) leaves() error {
	s.t.Helper()
	select {
	case err := <-s.ended:
		after, stateErr := term.GetState(int(s.device.Fd()))
		if stateErr != nil || !reflect.DeepEqual(after, s.before) {
			s.t.Errorf("the terminal is not as it was: %v, before %v (%v)", after, s.before, stateErr)
		}
		return err
	case <-patience(s.t):
		s.t.Fatalf("the talk goes on: %q", s.screen())
		return nil
	}
}
