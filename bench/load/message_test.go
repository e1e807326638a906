package load

import (
	"testing"
	"time"

	"github.com/presenced/presence/services/protocol"
)

// TestRead_TheProductsMessages holds this package to what the server really says.
func TestRead_TheProductsMessages(t *testing.T) {
	now := time.UnixMilli(1795428000123)
	id := []byte(`"welcome"`)
	tests := []struct {
		name string
		text []byte
		want Kind
	}{
		{"welcome", protocol.AppendWelcome(nil, protocol.Welcome{User: "time", Time: now}), Welcome},
		{"time", protocol.AppendTime(nil, now), Tick},
		{"pong", protocol.AppendPong(nil, id), Pong},
		{"fibonacci", protocol.AppendFibonacci(nil, id, 100, []byte("354224848179261915075"), "matrix", 0), Answer},
		{"small fibonacci", protocol.AppendFibonacciUint(nil, nil, 10, 55, "matrix", 0), Answer},
		{"sequence", protocol.AppendSequence(nil, id, [][]byte{[]byte("0")}), Answer},
		{"error", protocol.AppendError(nil, &protocol.Error{ID: id, Code: protocol.Busy}), Refusal},
		{"drain", protocol.AppendDrain(nil, time.Second), Other},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := read(tt.text)
			if m.Kind != tt.want {
				t.Errorf("read(%s) is of kind %d, want %d", tt.text, m.Kind, tt.want)
			}
			if m.Kind == Tick && m.UnixMs != now.UnixMilli() {
				t.Errorf("the tick is of %d, want %d", m.UnixMs, now.UnixMilli())
			}
		})
	}
}

func TestRead_NoMessage(t *testing.T) {
	for _, text := range []string{``, `{}`, `{"type":"time"`, `{"type":"time","unixMs":x}`, `{"type":"`, `["type"]`} {
		if m := read([]byte(text)); m.Kind != Other {
			t.Errorf("read(%s) is of kind %d", text, m.Kind)
		}
	}
}

func TestSamples_Quantile(t *testing.T) {
	var s Samples
	if got := s.Quantile(0.5); got != 0 {
		t.Errorf("the median of nothing is %v", got)
	}
	for i := range 100 {
		s.Add(time.Duration(100 - i))
	}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 50, 0.99: 99, 0.991: 100, 1: 100} {
		if got := s.Quantile(q); got != want {
			t.Errorf("Quantile(%v) of 1 to 100 is %d, want %d", q, got, want)
		}
	}
	s.Add(1000)
	if got := s.Quantile(1); got != 1000 {
		t.Errorf("after one more, the maximum is %d", got)
	}
}
