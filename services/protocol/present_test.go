package protocol

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// The longest message of each kind fits what may wait for a client.
func TestAppend_LongestFits(t *testing.T) {
	const outbound = 1 << 20
	worst := make([]Present, MaxPresent)
	for i := range worst {
		worst[i] = Present{
			Connection: strings.Repeat("n", 24) + "/ffffffff/7fffffffffffffff", User: strings.Repeat(`"`, 128),
			Since: ten.Add(time.Millisecond), Connections: 1 << 31,
		}
	}
	id := bytes.Repeat([]byte("9"), 20)
	for name, message := range map[string][]byte{
		"who":      AppendWho(nil, id, WhoPage{Users: worst, Next: worst[0].User, Total: 1 << 31}),
		"watch":    AppendWatch(nil, &Snapshot{ID: id, Part: 1 << 31, Present: worst, Resync: true, Stale: true, More: true}),
		"presence": AppendPresence(nil, &Changes{Joins: worst, More: true}),
	} {
		if len(message) > outbound/2 {
			t.Errorf("%s: %d bytes", name, len(message))
		}
	}
}

func TestAppendPresence_DoesNotAllocate(t *testing.T) {
	c := Changes{Joins: []Present{{User: "ana", Since: ten}}, Leaves: []Present{{User: "bob"}}, Position: "n1/00000003/00000000000001f5"}
	b := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { b = AppendPresence(b[:0], &c) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
