package gateway

import "testing"

func TestTable_at_ignores_stale_events(t *testing.T) {
	var tb table
	a, b := &conn{}, &conn{}
	tb.add(a)
	slot, id := a.slot, a.id
	tb.remove(a)
	tb.add(b)
	if b.slot != slot {
		t.Fatalf("slot %d is not used again, but %d", slot, b.slot)
	}
	if tb.at(slot, id) != nil || tb.at(b.slot, b.id) != b || tb.at(99, 1) != nil {
		t.Error("an event of a connection that is gone finds another one")
	}
	if tb.len() != 1 {
		t.Errorf("the table holds %d", tb.len())
	}
}

func TestCursor_sees_each_connection_once(t *testing.T) {
	var tb table
	for range 10 {
		tb.add(&conn{})
	}
	tb.remove(tb.slots[3])
	var k cursor
	for walk := range 30 {
		k.start(&tb)
		seen := map[*conn]int{}
		for k.left > 0 {
			n := 4
			for c := k.next(&tb, &n); c != nil; c = k.next(&tb, &n) {
				seen[c]++
			}
			if n == 4 {
				t.Fatal("a walk that does not go on")
			}
		}
		if len(seen) != 9 {
			t.Errorf("walk %d saw %d of 9", walk, len(seen))
		}
		for _, n := range seen {
			if n != 1 {
				t.Errorf("walk %d saw one %d times", walk, n)
			}
		}
		if walk >= 10 {
			k.rotate()
		}
	}
}

// A connection that comes during a walk waits for the next one, and takes nobody's
// place.
func TestCursor_keeps_its_walk_while_the_table_grows(t *testing.T) {
	var tb table
	for range 10 {
		tb.add(&conn{})
	}
	var k cursor
	k.at = 7 // where the walk before ended
	k.start(&tb)
	seen := map[*conn]int{}
	for k.left > 0 {
		n := 2
		for c := k.next(&tb, &n); c != nil; c = k.next(&tb, &n) {
			seen[c]++
		}
		tb.add(&conn{})
	}
	for i, c := range tb.slots[:10] {
		if seen[c] != 1 {
			t.Errorf("the connection of slot %d was seen %d times", i, seen[c])
		}
	}
}
