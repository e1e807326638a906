package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/presenced/presence/clientctl/fault"
)

func TestExitCode(t *testing.T) {
	tests := []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("x"), 1},
		{fault.Errorf(fault.Failed, "x"), 1},
		{fault.Errorf(fault.Usage, "x"), 2},
		{fault.Errorf(fault.Unreachable, "x"), 3},
		{fault.Errorf(fault.Refused, "x"), 4},
		{fmt.Errorf("online: %w", fault.ErrInterrupted), 130},
	}
	for _, tt := range tests {
		if got := exitCode(tt.err); got != tt.want {
			t.Errorf("exitCode(%v) = %d, want %d", tt.err, got, tt.want)
		}
	}
}

func TestLiftNegatives(t *testing.T) {
	tests := []struct{ in, want string }{
		{"fibonacci -5", "fibonacci -- -5"},
		{"fibonacci -5 --timeout 3s", "fibonacci --timeout 3s -- -5"},
		{"fibonacci --user -5 7", "fibonacci --user -5 7"},
		{"fibonacci -u -5 -7", "fibonacci -u -5 -- -7"},
		{"fibonacci --user=x -7", "fibonacci --user=x -- -7"},
		{"fibonacci -- -5", "fibonacci -- -5"},
		{"fibonacci -1 -- -5", "fibonacci -- -1 -5"},
		{"fibonacci --help", "fibonacci --help"},
		{"sequence -5x", "sequence -- -5x"},
		{"online --limit -5", "online --limit -5"},
		{"connect -5", "connect -5"},
		{"nonsense -5", "nonsense -5"},
		{"-5", "-5"},
		{"", ""},
	}
	root := newRoot(process{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
	for _, tt := range tests {
		if got := strings.Join(liftNegatives(root, strings.Fields(tt.in)), " "); got != tt.want {
			t.Errorf("%q becomes %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestTarget_address(t *testing.T) {
	if got, err := (&target{token: "a.b.c", ws: "ws://h/ws?a=b"}).address(); err != nil || got != "ws://h/ws?a=b" {
		t.Errorf("with a token: got %s, %v", got, err)
	}
	tests := []struct{ ws, user, want string }{
		{"ws://localhost:8080", "42", "ws://localhost:8080?user=42"},
		{"ws://localhost:8080/", "a b", "ws://localhost:8080/?user=a+b"},
		{"wss://[::1]/ws?b=2&a=%2F", "é&=?#", "wss://[::1]/ws?b=2&a=%2F&user=%C3%A9%26%3D%3F%23"},
		{"ws://h/a%2Fb", "1", "ws://h/a%2Fb?user=1"},
	}
	for _, tt := range tests {
		got, err := (&target{user: tt.user, ws: tt.ws}).address()
		if err != nil || got != tt.want {
			t.Errorf("%s as %s: got %s, %v, want %s", tt.ws, tt.user, got, err, tt.want)
		}
	}
}
