package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/presenced/presence/bench/server"
)

// Bench is what all scenarios share. It is static.
type Bench struct {
	Program string                           // path of presenced
	Floor   string                           // path of the floor
	Store   func() ([]string, error)         // variables that give a server a new, empty store
	Quick   bool                             // a smoke run: fewer clients, shorter, and its numbers mean nothing
	Say     func(format string, args ...any) // tells whoever waits what goes on
}

// Measure is one thing that was measured in one round.
type Measure struct {
	Name  string
	Unit  string // "B", "µs", "ms", "s", "/s" or "" for a count
	Value float64
	Goal  Goal
}

// Goal is what a measure should be. The zero Goal is none.
type Goal struct {
	Kind  GoalKind
	Value float64
}

// GoalKind says how a value is compared. The set is closed.
type GoalKind uint8

// The kinds of goals.
const (
	NoGoal   GoalKind = iota
	Exactly           // in every round
	AtMost            // the median of the rounds
	LessThan          // the median of the rounds
)

// Scenario is one of them.
type Scenario struct {
	Name string
	Run  func(context.Context, Bench) ([]Measure, error)
}

// All are the scenarios in the order in which they run.
func All() []Scenario {
	return []Scenario{{"idle", Idle}, {"storm", Storm}, {"ping", Ping}}
}

// with runs f against a new server, and stops that. The server has no bound on
// commands: a round sends them as fast as they are answered.
func (b Bench) with(ctx context.Context, f func(*server.Server) ([]Measure, error), env ...string) (_ []Measure, err error) {
	store, err := b.Store()
	if err != nil {
		return nil, err
	}
	s, err := server.Start(ctx, b.Program, append(append(store, "COMMAND_RATE=0"), env...)...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	return f(s)
}

// pick returns full, or quick for a smoke run.
func pick[T any](b Bench, full, quick T) T {
	if b.Quick {
		return quick
	}
	return full
}

// nextSecond is the first whole second after now.
func nextSecond(now time.Time) time.Time { return now.Truncate(time.Second).Add(time.Second) }

// TempStore gives each server an embedded store in a directory of its own below dir.
func TempStore(dir string) func() ([]string, error) {
	return func() ([]string, error) {
		data, err := os.MkdirTemp(dir, "data-")
		return []string{"STORE=embedded", "DATA_DIR=" + data}, err
	}
}

// MongoStore gives each server a database of its own, whose name begins with
// presence_bench_. They are left there.
func MongoStore(uri string) func() ([]string, error) {
	run, n := time.Now().Format("20060102_150405"), 0
	return func() ([]string, error) {
		n++
		return []string{"STORE=mongodb", "MONGODB_URI=" + uri, fmt.Sprintf("DB_DATABASE=presence_bench_%s_%d", run, n)}, nil
	}
}
