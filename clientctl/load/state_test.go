package load

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/clientctl/fault"
	"pgregory.net/rapid"
)

func TestTicks(t *testing.T) {
	type heard struct {
		second int64
		at     float64 // seconds since the beginning
	}
	for name, tt := range map[string]struct {
		welcome float64
		ticks   []heard
		end     float64
		counted int
		missed  int64
	}{
		"all":                             {0.3, []heard{{100, 1}, {101, 2}, {102, 3}}, 3.9, 3, 0},
		"late ones are no missed ones":    {0.3, []heard{{100, 1.2}, {101, 2.9}, {102, 3.1}}, 3.9, 3, 0},
		"a gap":                           {0.3, []heard{{100, 1}, {103, 4}}, 4.5, 2, 2},
		"before the welcome":              {2.5, []heard{{100, 1}, {101, 2}, {102, 3}}, 3.9, 1, 0},
		"none before the first":           {0.3, []heard{{103, 4}}, 4.5, 1, 2},
		"none after the last":             {0.3, []heard{{100, 1}}, 5.5, 1, 3},
		"none at all":                     {0.3, nil, 5.4, 0, 4},
		"twice":                           {0.3, []heard{{100, 1}, {100, 1.1}, {101, 2}}, 2.5, 2, 0},
		"a clock there that was set":      {0.3, []heard{{100, 1}, {4000, 2}, {4001, 3}}, 3.5, 3, 1},
		"a clock there that was set back": {0.3, []heard{{100, 1}, {50, 2}}, 2.5, 1, 0},
	} {
		seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
		var k ticks
		counted, missed := 0, int64(0)
		welcomed := false
		for _, h := range tt.ticks {
			if !welcomed && h.at > tt.welcome {
				k.begin(seconds(tt.welcome))
				welcomed = true
			}
			if n, ok := k.hear(h.second, seconds(h.at)); ok {
				counted, missed = counted+1, missed+n
			}
		}
		if !welcomed {
			k.begin(seconds(tt.welcome))
		}
		missed += k.end(seconds(tt.end))
		if counted != tt.counted || missed != tt.missed {
			t.Errorf("%s: %d counted and %d missed, want %d and %d", name, counted, missed, tt.counted, tt.missed)
		}
	}
	if n := new(ticks).end(time.Hour); n != 0 {
		t.Errorf("who was never welcomed has missed %d", n)
	}
}

// Each command ends in exactly one way: an answer, too late, or lost with its connection.
func TestOutstanding_each_command_ends_once(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		conns := []*conn{{}, {}, {}}
		var o outstanding
		began := time.Unix(0, 0)
		now := began
		added, answered, late, lost := 0, 0, 0, 0
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now = now.Add(time.Millisecond)
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0, 1:
				if id := o.add(conns[rapid.IntRange(0, 2).Draw(t, "conn")], now); id != added {
					t.Fatalf("command %d is called %d", added, id)
				}
				added++
			case 2:
				c, id := conns[rapid.IntRange(0, 2).Draw(t, "conn")], rapid.IntRange(-1, added+1).Draw(t, "id")
				if due, ok := o.answer(c, id); ok {
					answered++
					if due.Before(began) || due.After(now) {
						t.Fatalf("due %s", due)
					}
					if _, again := o.answer(c, id); again {
						t.Fatal("answered twice")
					}
				}
			case 3:
				a, b := o.expire(now.Add(-5 * time.Millisecond))
				late, lost = late+a, lost+b
			case 4:
				if rapid.IntRange(0, 9).Draw(t, "luck") == 0 {
					conns[0].gone.Store(true)
				}
			}
		}
		a, b := o.expire(now.Add(time.Second))
		late, lost = late+a, lost+b
		if answered+late+lost != added || !o.empty() || len(o.queue) != 0 {
			t.Fatalf("%d commands: %d answered, %d late, %d lost, %d left", added, answered, late, lost, len(o.queue))
		}
	})
}

func TestCrowd_agrees_with_a_model(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w crowd
		var waiting, ready []*conn
		take := func(from *[]*conn) *conn {
			i := rapid.IntRange(0, len(*from)-1).Draw(t, "which")
			c := (*from)[i]
			*from = slices.Delete(*from, i, i+1)
			return c
		}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			switch step := rapid.IntRange(0, 3).Draw(t, "step"); {
			case step == 0:
				c := new(conn)
				w.enter(c)
				waiting = append(waiting, c)
			case step == 1 && len(waiting) > 0:
				c := take(&waiting)
				w.welcome(c)
				ready = append(ready, c)
			case step == 2 && len(waiting) > 0:
				w.leave(take(&waiting))
			case step == 3 && len(ready) > 0:
				w.leave(take(&ready))
			}
			seen := map[*conn]bool{}
			for k := range ready {
				seen[w.pick(k+len(ready))] = true
			}
			for _, c := range ready {
				if !seen[c] {
					t.Fatal("one who is welcomed is never picked")
				}
			}
			if len(ready) == 0 && w.pick(5) != nil || len(w.all()) != len(ready)+len(waiting) {
				t.Fatal("somebody is there who has left")
			}
		}
	})
}

func TestSources(t *testing.T) {
	here, there, six := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("10.0.0.9"), netip.MustParseAddr("::1")
	for name, tt := range map[string]struct {
		n      int
		server netip.Addr
		given  string
		whole  bool
		want   int    // addresses
		refuse string // what the error says
	}{
		"few":                             {20000, here, "", true, 0, ""},
		"many on loopback":                {60000, here, "", true, 3, ""},
		"many on loopback, not Linux":     {60000, here, "", false, 0, "need 3 source addresses"},
		"many elsewhere":                  {60000, there, "", true, 0, "--source A,B"},
		"many to ::1":                     {60000, six, "", true, 0, "--source"},
		"enough are given":                {60000, there, "10.0.0.1,10.0.0.2,10.0.0.3", true, 3, ""},
		"too few are given":               {60000, there, "10.0.0.1,10.0.0.2", true, 0, "need 3 source addresses"},
		"one is given":                    {10, there, "10.0.0.1", true, 1, ""},
		"one of another kind is given":    {10, there, "::2", true, 0, "another kind of address"},
		"more than loopback has in a row": {10_000_000, here, "", true, 0, "source addresses"},
	} {
		var given []netip.Addr
		for s := range strings.SplitSeq(tt.given, ",") {
			if s != "" {
				given = append(given, netip.MustParseAddr(s))
			}
		}
		got, err := sources(tt.n, tt.server, given, 28232, tt.whole)
		switch {
		case tt.refuse == "" && (err != nil || len(got) != tt.want):
			t.Errorf("%s: %v, %v", name, got, err)
		case tt.refuse != "" && (fault.KindOf(err) != fault.Usage || err == nil || !strings.Contains(err.Error(), tt.refuse)):
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckDescriptors_says_what_to_do(t *testing.T) {
	if err := checkDescriptors(20000-reserve, 20000); err != nil {
		t.Error(err)
	}
	if err := checkDescriptors(1_000_000, 0); err != nil {
		t.Error(err)
	}
	err := checkDescriptors(20000, 20000)
	if err == nil || fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "ulimit -n 20064") || !strings.Contains(err.Error(), "-n 19936 each") {
		t.Error(err)
	}
}
