package compare

import (
	"math"
	"slices"
)

// tolerance is how far the floor may be off its median in a round that counts.
const tolerance = 0.15

// unmeasured is the value of a round in which a server did not take part.
var unmeasured = math.NaN()

// steady reports for each round whether it counts, by what the floor was measured at in
// each. Rounds without the floor do not.
func steady(floor []float64) []bool {
	middle := median(floor)
	counts := make([]bool, len(floor))
	for i, v := range floor {
		counts[i] = math.Abs(v-middle) <= tolerance*middle
	}
	return counts
}

// pick returns the values of the rounds that count, and were measured.
func pick(values []float64, counts []bool) []float64 {
	var picked []float64
	for i, v := range values {
		if counts[i] && !math.IsNaN(v) {
			picked = append(picked, v)
		}
	}
	return picked
}

// ratios is a by b, for each round that has both.
func ratios(a, b []float64) []float64 {
	r := make([]float64, min(len(a), len(b)))
	for i := range r {
		if r[i] = a[i] / b[i]; math.IsInf(r[i], 0) {
			r[i] = unmeasured
		}
	}
	return r
}

// median is the middle of the values that were measured, or the mean of the two in the
// middle; NaN if there are none.
func median(values []float64) float64 {
	sorted := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	n := len(sorted)
	if n == 0 {
		return unmeasured
	}
	slices.Sort(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
