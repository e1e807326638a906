package load

import (
	"fmt"
	"math/bits"
	"time"
)

// maxSeconds is how long ticks can be followed: a bit for each second.
const maxSeconds = 64

// Expect forgets the ticks so far, and follows those of the second first, which is
// a whole one, and later.
func (f *Fleet) Expect(first time.Time) {
	f.expected = first.Unix()
	f.late, f.twice = Samples{}, 0
	for i := range f.clients {
		f.clients[i].heard = 0
	}
}

// Ticks is what a fleet got of the ticks that it expected.
type Ticks struct {
	Expected int // clients times seconds
	Missed   int // of those
	Twice    int // came again

	// Late is how long after its second each came. A tick that does not say a whole
	// second counts from the second that it is in: what the server was late by before
	// it wrote is late, too.
	Late Samples
}

// Ticks returns what came since Expect of the ticks of that second and those before
// end, of at most 64 seconds.
func (f *Fleet) Ticks(end time.Time) (Ticks, error) {
	n := end.Unix() - f.expected
	if n < 0 || n > maxSeconds {
		return Ticks{}, fmt.Errorf("load: ticks of %d seconds cannot be followed, but of 0 to %d", n, maxSeconds)
	}
	t := Ticks{Expected: len(f.clients) * int(n), Twice: f.twice, Late: f.late}
	mask := uint64(1)<<n - 1 // n = 64: all
	for i := range f.clients {
		t.Missed += int(n) - bits.OnesCount64(f.clients[i].heard&mask)
	}
	return t, nil
}

// hear counts a tick.
func (f *Fleet) hear(c *Client, unixMs int64, now time.Time) {
	second := unixMs / 1000
	i := second - f.expected
	if f.expected == 0 || i < 0 || i >= maxSeconds {
		return
	}
	if c.heard&(1<<i) != 0 {
		f.twice++
	}
	c.heard |= 1 << i
	f.late.Add(now.Sub(time.Unix(second, 0)))
}
