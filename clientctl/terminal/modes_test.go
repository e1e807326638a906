package terminal_test

import (
	"testing"

	"github.com/presenced/presence/clientctl/terminal"
)

func TestMayColour(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want bool
	}{
		{"nothing is said", nil, true},
		{"a terminal with colours", map[string]string{"TERM": "xterm-256color"}, true},
		{"a terminal without", map[string]string{"TERM": "dumb"}, false},
		{"NO_COLOR", map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, false},
		{"NO_COLOR, whatever it says", map[string]string{"NO_COLOR": "false"}, false},
		{"NO_COLOR, empty", map[string]string{"NO_COLOR": ""}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := terminal.MayColour(func(name string) (string, bool) {
				value, ok := tt.env[name]
				return value, ok
			})
			if got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
