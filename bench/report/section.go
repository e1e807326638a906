package report

import (
	"slices"
	"strings"
)

// ReplaceSection returns a text of Markdown in which the section of a title, such as
// "## Lies", is the given one; if there was none it is the last. A section ends where the
// next line begins with "## ", so that what is below "# Results" ends there too.
func ReplaceSection(text, title, section string) string {
	lines := strings.SplitAfter(text, "\n")
	begin := slices.IndexFunc(lines, func(line string) bool { return strings.TrimRight(line, "\n") == title })
	if begin < 0 {
		begin = len(lines)
	}
	end := min(begin+1, len(lines))
	for end < len(lines) && !strings.HasPrefix(lines[end], "## ") {
		end++
	}
	var parts []string
	for _, part := range []string{strings.Join(lines[:begin], ""), section, strings.Join(lines[end:], "")} {
		if part = strings.Trim(part, "\n"); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "\n\n") + "\n"
}
