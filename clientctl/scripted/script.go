package scripted

import (
	"fmt"
	"strings"
)

// step is one line of a script.
type step struct {
	line     int
	verb     string
	argument string
}

// parse cuts a script into the steps of its connections.
func parse(script string) ([][]step, error) {
	connections := [][]step{nil}
	for i, line := range strings.Split(script, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		verb, argument, _ := strings.Cut(line, " ")
		if verb == "next" {
			connections = append(connections, nil)
			continue
		}
		if !known(verb) {
			return nil, fmt.Errorf("line %d: no step is called %q", i+1, verb)
		}
		last := &connections[len(connections)-1]
		if n := len(*last); n > 0 && ends((*last)[n-1].verb) {
			return nil, fmt.Errorf("line %d: the connection has ended before %q", i+1, verb)
		}
		*last = append(*last, step{i + 1, verb, strings.TrimSpace(argument)})
	}
	return connections, nil
}

func known(verb string) bool {
	switch verb {
	case "refuse", "query", "authorization", "send", "expect", "ping", "raw", "close", "closed", "probed", "gone", "drop":
		return true
	}
	return false
}

// ends reports whether a step is the last one of its connection.
func ends(verb string) bool {
	switch verb {
	case "refuse", "close", "closed", "gone", "drop":
		return true
	}
	return false
}
