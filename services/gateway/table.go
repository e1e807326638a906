package gateway

// table holds a loop's connections by slot. Slots are used again, so an event names
// its connection by slot and id: one that was queued for an earlier connection of
// the slot finds nothing. It is per loop and dense, not indexed by file descriptor:
// those are shared by all loops, and each loop's table would be as long as all.
type table struct {
	slots []*conn
	free  []int32
	next  uint32 // id of the next connection
}

func (t *table) add(c *conn) {
	t.next++
	c.id = t.next
	if n := len(t.free); n > 0 {
		c.slot = t.free[n-1]
		t.free = t.free[:n-1]
		t.slots[c.slot] = c
		return
	}
	c.slot = int32(len(t.slots))
	t.slots = append(t.slots, c)
}

func (t *table) remove(c *conn) {
	t.slots[c.slot] = nil
	t.free = append(t.free, c.slot)
}

// at returns the connection, or nil if it is no more.
func (t *table) at(slot int32, id uint32) *conn {
	if int(slot) >= len(t.slots) {
		return nil
	}
	if c := t.slots[slot]; c != nil && c.id == id {
		return c
	}
	return nil
}

func (t *table) len() int { return len(t.slots) - len(t.free) }

// cursor walks a table that changes meanwhile, from where the last walk ended.
type cursor struct {
	at   int
	left int
	size int // slots when the walk began: later ones wait for the next walk
}

// rotate makes the next walk begin elsewhere than the last one, which is at its end:
// whose turn was late is early soon. The steps are the golden part of the table, so that
// the beginnings of any few walks lie far apart.
func (k *cursor) rotate() {
	if k.size > 0 {
		k.at = (k.at + int(int64(k.size)*golden>>16) + 1) % k.size
	}
}

// golden is 2^16 times (√5−1)/2.
const golden = 40503

// start begins a walk over all slots.
func (k *cursor) start(t *table) {
	k.size = len(t.slots)
	k.left = k.size
}

// next returns the next connection of the walk. n is how many slots may be looked
// at; it is lowered. nil means that the walk, or n, is at its end.
func (k *cursor) next(t *table, n *int) *conn {
	for k.left > 0 && *n > 0 {
		if k.at >= k.size {
			k.at = 0
		}
		c := t.slots[k.at]
		k.at++
		k.left--
		*n--
		if c != nil {
			return c
		}
	}
	return nil
}
