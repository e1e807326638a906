package services

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var (
	heading = regexp.MustCompile(`(?m)^(#{1,4}) (.+)$`)
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	entry   = regexp.MustCompile(`(?m)^- \[([^\]]+)\]\(#([^)]+)\)`)
)

// anchor is the fragment by which a heading is linked to, as GitHub makes it.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, title)
}

// withoutBlocks takes the indented blocks out of a text: what looks like a heading there is none.
func withoutBlocks(text string) string {
	return regexp.MustCompile(`(?m)^    .*$`).ReplaceAllString(text, "")
}

// headings are the chapters of a document.
func headings(text string) (titles []string) {
	for _, m := range heading.FindAllStringSubmatch(withoutBlocks(text), -1) {
		if m[1] == "##" {
			titles = append(titles, m[2])
		}
	}
	return titles
}

// contents is the list of chapters before the first of them, each with its right link.
func contents(text string) (titles []string) {
	head, _, _ := strings.Cut(text, "\n## ")
	for _, m := range entry.FindAllStringSubmatch(head, -1) {
		if m[2] == anchor(m[1]) {
			titles = append(titles, m[1])
		}
	}
	return titles
}

// checkLinks complains of links in a document to files, or headings, that are not there.
func checkLinks(root fs.FS, name string) (complaints []string) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return []string{err.Error()}
	}
	for _, m := range link.FindAllStringSubmatch(withoutBlocks(string(text)), -1) {
		file, fragment, _ := strings.Cut(m[1], "#")
		if strings.Contains(file, "://") {
			continue
		}
		target := name
		if file != "" {
			target = path.Join(path.Dir(name), file)
		}
		if _, err := fs.Stat(root, target); err != nil {
			complaints = append(complaints, fmt.Sprintf("%s links to %s: there is no %s", name, m[1], target))
			continue
		}
		if fragment == "" {
			continue
		}
		there, _ := fs.ReadFile(root, target)
		if !slices.ContainsFunc(heading.FindAllStringSubmatch(string(there), -1), func(h []string) bool { return anchor(h[2]) == fragment }) {
			complaints = append(complaints, fmt.Sprintf("%s links to %s: there is no such heading", name, m[1]))
		}
	}
	return complaints
}

func TestCheckLinks_Broken(t *testing.T) {
	root := tree(map[string]string{
		"docs/a.md": "# A\n\n[One & two](#one--two) [gone](b.md) [b](c.md#nowhere) [c](c.md#here) [web](https://x/y)\n\n## One & two\n",
		"docs/c.md": "# C\n\n## Here\n",
	})
	complaints := checkLinks(root, "docs/a.md")
	if len(complaints) != 2 || !strings.Contains(complaints[0], "b.md") || !strings.Contains(complaints[1], "nowhere") {
		t.Errorf("got %q", complaints)
	}
	text := "# A\n\n- [One & two](#one--two): [part](#part)\n\n## One & two\n\n    ## not this\n"
	if got := contents(text); !slices.Equal(got, headings(text)) || len(got) != 1 {
		t.Errorf("contents %q, headings %q", got, headings(text))
	}
}
