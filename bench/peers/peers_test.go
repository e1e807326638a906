package peers

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/presenced/presence/bench/load"
	"github.com/presenced/presence/bench/peers/work"
	"github.com/presenced/presence/bench/server"
	"github.com/presenced/presence/services/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServer_Plays(t *testing.T) {
	for _, s := range All() {
		for _, name := range s.Only {
			if name != Crowd && name != Commands && name != Connect {
				t.Errorf("%s is for %q, which is no scenario", s.Name, name)
			}
		}
	}
	everywhere, somewhere := Server{}, Server{Only: []string{Commands}}
	if !everywhere.Plays(Crowd) || everywhere.Plays(Connect) || !somewhere.Plays(Commands) || somewhere.Plays(Crowd) {
		t.Error("servers are in scenarios that they are not for, or not in those that they are for")
	}
}

// TestAll_DoTheSameWork holds every program to the work: one that did less would look
// faster than it is.
func TestAll_DoTheSameWork(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the programs, and runs them for some seconds")
	}
	servers, err := Build(t.Context(), "..", t.TempDir(), "", All())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range servers {
		if s.Package != "" { // presenced has tests of its own
			t.Run(s.Name, s.doesTheWork)
		}
	}
}

func (s Server) doesTheWork(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	running, err := server.Start(ctx, s.Program, s.Env...)
	if err != nil {
		t.Fatal(err)
	}
	const clients, pipelined = 5, 16
	w := &witness{t: t, want: clients, answers: clients * pipelined}
	fleet, err := load.NewFleet(clients, load.Config{Server: running.Addr(), Handle: w.hear})
	if err != nil {
		t.Fatal(err)
	}
	defer fleet.Close()
	if err := fleet.Connect(ctx, clients); err != nil {
		t.Fatal(err)
	}
	command := load.NewCommand(work.Command)
	for i := range fleet.Clients() {
		for range pipelined {
			if err := fleet.Clients()[i].Send(command); err != nil {
				t.Fatal(err)
			}
		}
	}
	var until context.Context
	until, w.done = context.WithCancel(ctx)
	defer w.done()
	if err := fleet.Watch(until); err != nil {
		t.Error(err)
	}
	if w.answers > 0 || w.told < clients {
		t.Errorf("%d answers did not come, and %d of %d ticks came", w.answers, w.told, clients)
	}
	if s.Collects {
		if err := running.Collect(); err != nil {
			t.Error(err)
		}
	}
	if err := running.Stop(); err != nil {
		t.Error(err)
	}
}

// witness judges what clients are told.
type witness struct {
	t       *testing.T
	want    int // ticks
	told    int
	answers int // that are still to come
	done    func()
}

func (w *witness) hear(_ *load.Client, m load.Message) {
	switch m.Kind {
	case load.Answer:
		w.answers--
		if want := string(work.Answer([]byte(work.Command))); string(m.Text) != want {
			w.t.Errorf("answer %s, want %s", m.Text, want)
		}
	case load.Tick:
		w.told++
		if want := protocol.AppendTime(nil, time.UnixMilli(m.UnixMs)); string(m.Text) != string(want) {
			w.t.Errorf("tick %s, want %s", m.Text, want)
		}
	case load.Welcome:
	case load.Other, load.Pong, load.Refusal:
		w.t.Errorf("unexpected: %s", m.Text)
	}
	if w.answers <= 0 && w.told >= w.want && w.done != nil {
		w.done()
	}
}
