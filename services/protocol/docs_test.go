package protocol

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// The dialogues of docs/PROTOCOL.md are of this protocol: what the client says is a command,
// and what the server says a message that a client reads.
func TestDocs_Dialogues(t *testing.T) {
	text, err := os.ReadFile("../../docs/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	l := Limits{MaxFibonacci: 100_000, MaxSequence: 1000, MaxUsers: 1000}
	said, heard := 0, 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if command, is := strings.CutPrefix(line, "→ "); is {
			said++
			var c Command
			if e := Parse([]byte(command), l, &c); e != nil {
				t.Errorf("%s: %s: %s", command, e.Code, e.Message)
			}
		}
		if message, is := strings.CutPrefix(line, "← "); is {
			heard++
			if m, err := Decode([]byte(message)); err != nil || !json.Valid([]byte(message)) || m.Type == "" {
				t.Errorf("%s: %v", message, err)
			}
		}
	}
	if said < 2 || heard < 4 {
		t.Errorf("only %d commands and %d messages", said, heard)
	}
}
