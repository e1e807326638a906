package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// The geometry of all histograms, in microseconds: one can only be added to another of
// the same.
const (
	lowest  = 1
	highest = int64(time.Hour / time.Microsecond) // what is longer counts as this
	digits  = 3
)

// Histogram is how often times of each length were seen. Make it with NewHistogram.
type Histogram struct{ counts *hdr.Histogram }

// NewHistogram returns an empty histogram, of 180 KB.
func NewHistogram() Histogram { return Histogram{hdr.New(lowest, highest, digits)} }

// Add takes one more time, of 0 to one hour; what is beyond counts as the nearest of them.
func (h Histogram) Add(d time.Duration) {
	_ = h.counts.RecordValue(min(max(d.Microseconds(), 0), highest)) // it refuses only what is out of range
}

// Count is how many there are.
func (h Histogram) Count() int64 { return h.counts.TotalCount() }

// Max is the longest, rounded up to three digits.
func (h Histogram) Max() time.Duration { return h.Quantile(1) }

// Quantile is the time that a share q of all did not exceed, rounded up to three digits:
// 0.5 is the median. Of nothing it is 0.
func (h Histogram) Quantile(q float64) time.Duration {
	return time.Duration(h.counts.ValueAtPercentile(q*100)) * time.Microsecond
}

// QuantileWith is the quantile if there were so many more that took for ever. ok is false
// if it is one of them, or there are none at all.
func (h Histogram) QuantileWith(q float64, endless int64) (d time.Duration, ok bool) {
	seen := h.Count()
	rank := int64(math.Ceil(q * float64(seen+endless)))
	if seen == 0 || rank > seen {
		return 0, false
	}
	return h.Quantile(float64(rank) / float64(seen)), true
}

// Merge adds what another has.
func (h Histogram) Merge(other Histogram) { h.counts.Merge(other.counts) }

// summary is a histogram in JSON. The figures are for who reads it, and are not read
// back; the histogram is in the compressed form of HdrHistogram, version 2, in base64.
type summary struct {
	Count     int64   `json:"count"`
	MeanMs    float64 `json:"meanMs"`
	P50Ms     float64 `json:"p50Ms"`
	P90Ms     float64 `json:"p90Ms"`
	P99Ms     float64 `json:"p99Ms"`
	P999Ms    float64 `json:"p999Ms"`
	MaxMs     float64 `json:"maxMs"`
	Histogram string  `json:"histogram"`
}

// MarshalJSON implements json.Marshaler.
func (h Histogram) MarshalJSON() ([]byte, error) {
	encoded, err := h.counts.EncodeV2()
	if err != nil {
		return nil, err
	}
	return json.Marshal(summary{
		Count:     h.Count(),
		MeanMs:    math.Round(h.counts.Mean()) / 1000,
		P50Ms:     milliseconds(h.Quantile(0.5)),
		P90Ms:     milliseconds(h.Quantile(0.9)),
		P99Ms:     milliseconds(h.Quantile(0.99)),
		P999Ms:    milliseconds(h.Quantile(0.999)),
		MaxMs:     milliseconds(h.Max()),
		Histogram: string(encoded),
	})
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// UnmarshalJSON implements json.Unmarshaler.
func (h *Histogram) UnmarshalJSON(p []byte) error {
	var s summary
	if err := json.Unmarshal(p, &s); err != nil {
		return err
	}
	counts, err := hdr.Decode([]byte(s.Histogram))
	if err != nil {
		return fmt.Errorf("a histogram that cannot be read: %w", err)
	}
	if counts.LowestTrackableValue() != lowest || counts.HighestTrackableValue() != highest || counts.SignificantFigures() != digits {
		return errors.New("a histogram of another range, which cannot be added")
	}
	if counts.TotalCount() != s.Count {
		return fmt.Errorf("a histogram of %d, which is said to be of %d", counts.TotalCount(), s.Count)
	}
	h.counts = counts
	return nil
}
