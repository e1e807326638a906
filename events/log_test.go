package events

import (
	"errors"
	"testing"
	"time"
)

func TestValidateRun(t *testing.T) {
	early := connected(2, "42")
	early.At = at(1).Add(-time.Millisecond)
	sameTime := connected(2, "42")
	sameTime.At = at(1)
	other := connected(2, "42")
	other.ID.Epoch = 4
	tests := []struct {
		name string
		run  []Event
		ok   bool
	}{
		{"nothing", nil, true},
		{"one", []Event{connected(7, "42")}, true},
		{"a stream", []Event{opened(), connected(1, "42"), disconnected(2, 1, "42"), sealed(3)}, true},
		{"from the middle", []Event{connected(1, "42"), sameTime}, true},
		{"a gap", []Event{connected(1, "42"), connected(3, "42")}, false},
		{"the same twice", []Event{connected(1, "42"), connected(1, "42")}, false},
		{"backwards", []Event{connected(2, "42"), connected(1, "42")}, false},
		{"two streams", []Event{connected(1, "42"), other}, false},
		{"time falls", []Event{connected(1, "42"), early}, false},
		{"an invalid first", []Event{connected(1, "")}, false},
		{"an invalid last", []Event{connected(1, "42"), connected(2, "")}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := ValidateRun(tt.run)
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, ErrInvalid) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestOccupiedError_NamesThePosition(t *testing.T) {
	var err error = &OccupiedError{At: stream.At(500)}
	if got := err.Error(); got != "position n1/00000003/00000000000001f4 is occupied" {
		t.Errorf("got %s", got)
	}
}
