package terminal

import "strings"

// Break breaks the lines of a text that are wider than so many columns, between words, in
// the place of the blanks there; 0: lines may have any width. A word that is wider itself
// stays whole, and where it is, for the terminal to break: what is cut in two cannot be
// copied.
func Break(text string, width int) string {
	if width <= 0 {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		if end := strings.TrimSuffix(line, "\n"); Width(end) > width {
			breakLine(&b, end, width)
			line = line[len(end):]
		}
		b.WriteString(line)
	}
	return b.String()
}

func breakLine(b *strings.Builder, line string, width int) {
	line = strings.TrimRight(line, " ")
	for at := 0; line != ""; { // at is the column
		word := strings.TrimLeft(line, " ")
		if end := strings.IndexByte(word, ' '); end >= 0 {
			word = word[:end]
		}
		blanks := len(line) - len(strings.TrimLeft(line, " "))
		line = line[blanks+len(word):]
		switch needs := Width(word); {
		case at == 0, at+blanks+needs <= width, needs > width:
			b.WriteString(strings.Repeat(" ", blanks) + word)
			at = (at+blanks+needs-1)%width + 1 // as the terminal goes on in the next row
		default:
			b.WriteString("\n" + word)
			at = needs
		}
	}
}
