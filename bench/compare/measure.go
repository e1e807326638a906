package compare

import (
	"fmt"

	"github.com/presenced/presence/bench/peers"
)

// measure is one thing that is measured of each server, and what it should be.
type measure struct {
	name   string
	unit   string
	larger bool // is better
	always bool // does not depend on how fast the machine is: all rounds count

	// yardstick is the measure of the floor by which rounds count; default: this one.
	yardstick string

	ours   string // the server that the goals are about
	atMost float64
	goals  []goal
}

// goal is that ours is better than another server by a factor, or worse by no more
// than that.
type goal struct {
	against string
	factor  float64
}

// sizes are the crowds.
var sizes = []int{1_000, 5_000, 10_000, 19_000}

// largest is how many clients the lateness and the commands during a tick are about.
const largest = 19_000

// boundName is the row that is no server: what the floor's writes take, with all of its
// loops at work, and a fifth more.
const boundName = "1.2 × clients × the floor's write / loops"

func memoryOf(n int) string { return fmt.Sprintf("idle user memory per connection, %d clients", n) }

func tickOf(n int) string {
	return fmt.Sprintf("tick to all, %d clients: server processor time per client", n)
}

const (
	lateness     = "tick to all, 19000 clients that stand still: lateness of the last"
	missed       = "tick to all: ticks that clients missed"
	duringTick   = "a command during a tick to 19000 clients: p99"
	roundTrip    = "small command, round trip, 1000 clients: server processor time per command"
	pipelined    = "16 pipelined commands, 1000 clients: server processor time per command"
	connectRate  = "connect and welcome, 10000 clients"
	connectPrice = "connect and welcome, 10000 clients: server processor time per client"
)

// all are the measures in the order of the tables.
func all() []measure {
	var m []measure
	for _, n := range sizes {
		if n == 5_000 {
			continue // the goals are about the others
		}
		m = append(m, measure{name: memoryOf(n), unit: "B", always: true, ours: peers.Ours, atMost: 512,
			goals: []goal{{"nbio", 2.5}, {"gws", 20}, {"gorilla", 30}}})
	}
	for _, n := range sizes {
		if n == 10_000 {
			continue
		}
		m = append(m, measure{name: tickOf(n), unit: "µs", ours: peers.Ours,
			goals: []goal{{peers.Floor, 1 / 1.10}, {"nbio", 1.15}, {"gws", 1.15}, {"gorilla", 1.15}, {"wsutil", 1.9}}})
	}
	return append(m,
		measure{name: lateness, unit: "ms", yardstick: tickOf(largest), ours: peers.Ours, goals: []goal{{boundName, 1}}},
		measure{name: missed, always: true, ours: peers.Ours},
		measure{name: duringTick, unit: "ms", yardstick: tickOf(largest), ours: peers.Ours},
		measure{name: roundTrip, unit: "µs", ours: peers.Ours,
			goals: []goal{{"gws", 1 / 0.75}, {"nbio", 1 / 0.5}, {"wsutil", 1 / 0.45}}},
		measure{name: pipelined, unit: "µs", ours: peers.Ours, goals: []goal{{"gws", 5}, {"nbio", 8}}},
		measure{name: connectRate, unit: "/s", yardstick: connectPrice, larger: true, ours: peers.Whole, goals: []goal{{peers.Unrecorded, 0.8}}},
		measure{name: connectPrice, unit: "µs", ours: peers.Whole})
}
