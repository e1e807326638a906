package lineedit

import "strings"

// maxHistory is how many lines the history keeps; then it forgets the oldest.
const maxHistory = 1000

// history is the lines that were entered. Who goes through it may change a line; what was
// being typed comes back at its end.
type history struct {
	lines []string // the oldest first
	at    int      // the line that is shown; len(lines): none is
	draft string   // what was being typed
}

// add keeps a line, unless it is blank or the same as the last one, and goes to the end.
func (h *history) add(text string) {
	if strings.TrimSpace(text) != "" && (len(h.lines) == 0 || h.lines[len(h.lines)-1] != text) {
		h.lines = append(h.lines, text)
	}
	if len(h.lines) > maxHistory {
		h.lines = h.lines[1:]
	}
	h.at, h.draft = len(h.lines), ""
}

// move returns the line by steps older (negative) or newer, given the one that is shown;
// false: there is none.
func (h *history) move(by int, shown string) (string, bool) {
	to := h.at + by
	if to < 0 || to > len(h.lines) {
		return "", false
	}
	if h.at == len(h.lines) {
		h.draft = shown
	}
	h.at = to
	if to == len(h.lines) {
		return h.draft, true
	}
	return h.lines[to], true
}
