package load

import (
	"math"
	"slices"
	"time"
)

// Samples are measured durations. The zero value is ready.
type Samples struct {
	all    []time.Duration
	sorted bool
}

// Add takes one more.
func (s *Samples) Add(d time.Duration) {
	s.all = append(s.all, d)
	s.sorted = false
}

// Len is how many there are.
func (s *Samples) Len() int { return len(s.all) }

// Quantile is the smallest sample that is at least as large as q of all of them: 0.5
// is the median, 1 the maximum. Without samples it is 0.
func (s *Samples) Quantile(q float64) time.Duration {
	if len(s.all) == 0 {
		return 0
	}
	if !s.sorted {
		slices.Sort(s.all)
		s.sorted = true
	}
	rank := int(math.Ceil(q * float64(len(s.all))))
	return s.all[max(rank, 1)-1]
}
