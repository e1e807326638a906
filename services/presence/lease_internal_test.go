package presence

import (
	"fmt"
	"testing"
	"time"

	"github.com/presenced/presence/events"
)

func TestLease_Observe(t *testing.T) {
	own, a, b := events.Stream{Node: "me", Epoch: 4}, events.Stream{Node: "a", Epoch: 1}, events.Stream{Node: "me", Epoch: 3}
	type reading struct {
		after, took time.Duration
		beats       map[events.Stream]uint64
		want        []events.Stream
	}
	quiet := func(n int, s events.Stream) []reading {
		var rs []reading
		for range n {
			rs = append(rs, reading{after: 2 * time.Second, beats: map[events.Stream]uint64{s: 7}})
		}
		return rs
	}
	for name, readings := range map[string][]reading{
		"a beat that stays the same for 10 s": append(quiet(5, a),
			reading{after: 2 * time.Second, beats: map[events.Stream]uint64{a: 7}, want: []events.Stream{a}}),
		"an older epoch of this node counts": append(quiet(5, b),
			reading{after: 2 * time.Second, beats: map[events.Stream]uint64{b: 7}, want: []events.Stream{b}}),
		"this node's own stream never": append(quiet(20, own),
			reading{after: 2 * time.Second, beats: map[events.Stream]uint64{own: 7}}),
		"a beat that changes": append(quiet(5, a),
			reading{after: 2 * time.Second, beats: map[events.Stream]uint64{a: 8}}),
		"a beat that goes back has changed": append(quiet(5, a),
			reading{after: 2 * time.Second, beats: map[events.Stream]uint64{a: 6}}),
		"a gap in the readings": append(quiet(5, a),
			reading{after: 6 * time.Second, beats: map[events.Stream]uint64{a: 7}}),
		"a slow reading": append(quiet(5, a),
			reading{after: 2 * time.Second, took: 4 * time.Second, beats: map[events.Stream]uint64{a: 7}}),
		// Nothing was seen of a between the two ends of such a reading.
		"a pause in the middle of the first reading": {
			{took: 15 * time.Second, beats: map[events.Stream]uint64{a: 7}}},
		"a pause in the middle of a reading": append(quiet(5, a),
			reading{after: 2 * time.Second, took: 15 * time.Second, beats: map[events.Stream]uint64{a: 9}}),
		"a reading that took almost the lease": append([]reading{
			{took: 9 * time.Second, beats: map[events.Stream]uint64{a: 7}}}, quiet(5, a)...),
		// The last of the first three may be of 8 s, and the first of 2 s.
		"readings that take long": {
			{took: 2 * time.Second, beats: map[events.Stream]uint64{a: 7}},
			{after: 2 * time.Second, took: 2 * time.Second, beats: map[events.Stream]uint64{a: 7}},
			{after: 2 * time.Second, took: 2 * time.Second, beats: map[events.Stream]uint64{a: 7}},
			{after: 2 * time.Second, took: 2 * time.Second, beats: map[events.Stream]uint64{a: 7}, want: []events.Stream{a}}},
		"gone and back": append(append(quiet(4, a), reading{after: 2 * time.Second}), quiet(3, a)...),
	} {
		t.Run(name, func(t *testing.T) {
			var l lease
			now := time.Unix(1_000, 0)
			for i, r := range readings {
				now = now.Add(r.after)
				var nodes []Node
				for s, beat := range r.beats {
					nodes = append(nodes, Node{Stream: s, Beat: beat})
				}
				got := l.observe(now, now.Add(r.took), nodes, own)
				if fmt.Sprint(got) != fmt.Sprint(r.want) {
					t.Errorf("reading %d: expired %v, want %v", i, got, r.want)
				}
				now = now.Add(r.took)
			}
		})
	}
}
