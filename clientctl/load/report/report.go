package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/presenced/presence/clientctl/terminal"
)

// Version is that of the form of a report in JSON. It changes when an old reader would
// misunderstand a new report.
const Version = 1

// Report is what one process, or several together, have found. Make it with New.
type Report struct {
	Version int      `json:"version"`
	Runs    []string `json:"runs"`    // the id of each process's run
	Servers []string `json:"servers"` // addresses, each once
	// The first connect was due at From; Until is when the last connection had gone.
	From        time.Time   `json:"from"`
	Until       time.Time   `json:"until"`
	Interrupted bool        `json:"interrupted"` // it was ended early
	Connections Connections `json:"connections"`
	Connect     Histogram   `json:"connect"` // from when each was due until the upgrade
	Welcome     Histogram   `json:"welcome"` // from when each was due until the welcome
	Ticks       Ticks       `json:"ticks"`
	Commands    Commands    `json:"commands"`
	Errors      Errors      `json:"errors"`
	// Delay is how late this program itself was, looked at every 10 ms: what all other
	// times may be too long by.
	Delay Histogram `json:"delay"`
}

// Connections counts connections. What is asked for is welcomed, or failed, or was not
// tried or given up since the run was interrupted.
type Connections struct {
	Asked    int64 `json:"asked"`
	Upgraded int64 `json:"upgraded"`
	Welcomed int64 `json:"welcomed"`
	Failed   int64 `json:"failed"` // before the welcome
	Lost     int64 `json:"lost"`   // after it
}

// Ticks counts ticks from the welcome of each connection on.
type Ticks struct {
	Received int64 `json:"received"`
	Missed   int64 `json:"missed"` // whole seconds of a connection without one
	Early    int64 `json:"early"`  // came before their second: then clocks differ
	// Lateness is from the second that a tick is of until it was here, by the clock here.
	Lateness Histogram `json:"lateness"`
}

// Commands counts commands. What was sent is answered or failed.
type Commands struct {
	Sent     int64     `json:"sent"`
	Answered int64     `json:"answered"`
	Failed   int64     `json:"failed"`
	Latency  Histogram `json:"latency"` // of those that were answered, from when each was due
}

// Errors are what went wrong, by when: before a connection's welcome, after it, and with
// a command. What ends a connection also fails its commands.
type Errors struct {
	Connect Kinds `json:"connect"`
	Lost    Kinds `json:"lost"`
	Command Kinds `json:"command"`
}

// Kinds are errors by their kind, such as http_503, closed_4504 or timeout.
type Kinds map[string]Kind

// Kind is one kind of error.
type Kind struct {
	Count   int64  `json:"count"`
	Example string `json:"example,omitempty"` // what one of them said, unless the kind says all
}

// Add counts one more error. The example of the first that has one is kept, with escapes
// for what would change a terminal, since others wrote it.
func (k Kinds) Add(kind, example string) { k.merge(kind, Kind{1, terminal.Escape(example)}) }

func (k Kinds) merge(name string, other Kind) {
	one := k[name]
	one.Count += other.Count
	if one.Example == "" {
		one.Example = other.Example
	}
	k[name] = one
}

// Total is how many errors there are.
func (k Kinds) Total() (n int64) {
	for _, kind := range k {
		n += kind.Count
	}
	return n
}

// New returns an empty report.
func New() *Report {
	return &Report{
		Version: Version,
		Connect: NewHistogram(), Welcome: NewHistogram(), Delay: NewHistogram(),
		Ticks:    Ticks{Lateness: NewHistogram()},
		Commands: Commands{Latency: NewHistogram()},
		Errors:   Errors{Kinds{}, Kinds{}, Kinds{}},
	}
}

// Add adds what another process has found. A run that is in both counts once: then it
// is an error, and nothing is added.
func (r *Report) Add(o *Report) error {
	for _, run := range o.Runs {
		if slices.Contains(r.Runs, run) {
			return fmt.Errorf("the run %s is in two reports", run)
		}
	}
	if r.From.IsZero() || o.From.Before(r.From) {
		r.From = o.From
	}
	if o.Until.After(r.Until) {
		r.Until = o.Until
	}
	r.Runs = append(r.Runs, o.Runs...)
	for _, s := range o.Servers {
		if !slices.Contains(r.Servers, s) {
			r.Servers = append(r.Servers, s)
		}
	}
	r.Interrupted = r.Interrupted || o.Interrupted
	r.addCounts(o)
	r.Connect.Merge(o.Connect)
	r.Welcome.Merge(o.Welcome)
	r.Ticks.Lateness.Merge(o.Ticks.Lateness)
	r.Commands.Latency.Merge(o.Commands.Latency)
	r.Delay.Merge(o.Delay)
	return nil
}

func (r *Report) addCounts(o *Report) {
	c, t, m := &r.Connections, &r.Ticks, &r.Commands
	c.Asked += o.Connections.Asked
	c.Upgraded += o.Connections.Upgraded
	c.Welcomed += o.Connections.Welcomed
	c.Failed += o.Connections.Failed
	c.Lost += o.Connections.Lost
	t.Received += o.Ticks.Received
	t.Missed += o.Ticks.Missed
	t.Early += o.Ticks.Early
	m.Sent += o.Commands.Sent
	m.Answered += o.Commands.Answered
	m.Failed += o.Commands.Failed
	for _, pair := range [...]struct{ to, from Kinds }{
		{r.Errors.Connect, o.Errors.Connect}, {r.Errors.Lost, o.Errors.Lost}, {r.Errors.Command, o.Errors.Command},
	} {
		for name, kind := range pair.from {
			pair.to.merge(name, kind)
		}
	}
}
