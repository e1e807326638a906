package compare

import (
	"math"
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name   string
		values []float64
		want   float64
	}{
		{"one", []float64{3}, 3},
		{"odd, in no order", []float64{9, 1, 4}, 4},
		{"even", []float64{8, 1, 4, 2}, 3},
		{"some were not measured", []float64{nan, 7, nan, 5, 6}, 6},
		{"none", nil, nan},
		{"none was measured", []float64{nan}, nan},
	}
	for _, tt := range tests {
		before := slices.Clone(tt.values)
		if got := median(tt.values); got != tt.want && !(math.IsNaN(got) && math.IsNaN(tt.want)) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
		for i := range before {
			if before[i] != tt.values[i] && !math.IsNaN(before[i]) {
				t.Errorf("%s: the values were put into another order", tt.name)
			}
		}
	}
}

func TestSteady(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name  string
		floor []float64
		want  []bool
	}{
		{"as ever", []float64{4, 4.1, 3.9}, []bool{true, true, true}},
		{"at the bounds", []float64{85, 100, 115}, []bool{true, true, true}},
		{"just beyond them", []float64{84, 100, 116}, []bool{false, true, false}},
		{"one round was disturbed", []float64{4, 4, 8, 4, 4}, []bool{true, true, false, true, true}},
		{"a round has no floor", []float64{4, nan, 4}, []bool{true, false, true}},
		{"there is no floor", []float64{nan, nan}, []bool{false, false}},
	}
	for _, tt := range tests {
		if got := steady(tt.floor); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestRatios_AreTakenWithinARound(t *testing.T) {
	nan := math.NaN()
	got := ratios([]float64{10, 40, nan, 8, 3}, []float64{5, 10, 2, nan, 0})
	counts := []bool{true, true, true, true, true}
	if got := pick(got, counts); !slices.Equal(got, []float64{2, 4}) {
		t.Errorf("got %v, want 2 and 4", got)
	}
	if got := pick([]float64{1, 2, 3, 4, 5}, []bool{false, true, false, true, false}); !slices.Equal(got, []float64{2, 4}) {
		t.Errorf("of the rounds that count: %v, want 2 and 4", got)
	}
}
