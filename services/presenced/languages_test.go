package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The README in both languages.
const (
	english    = "README.md"
	portuguese = "README.pt-BR.md"
)

// readDoc is the text of a file of the repository.
func readDoc(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile("../../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Whoever changes the README in one language changes it in the other.
func TestReadme_Languages(t *testing.T) {
	for _, c := range partings(readDoc(t, english), readDoc(t, portuguese)) {
		t.Errorf("change both, README.md and README.pt-BR.md: %s", c)
	}
}

// Each README links to the other before its text begins.
func TestReadme_LanguageLinks(t *testing.T) {
	for path, other := range map[string]string{english: portuguese, portuguese: english} {
		first := partsOf(readDoc(t, path))[:2]
		if !slices.Contains(targets(first[1].text), other) {
			t.Errorf("%s:%d does not link to %s: %q", path, first[1].line, other, first[1].text)
		}
	}
}

// partings says where the two languages differ in what is the same in every language. Where
// one has a part that the other has not, that is the last to be said.
func partings(en, pt string) (complaints []string) {
	e, p := partsOf(en), partsOf(pt)
	for i := range max(len(e), len(p)) {
		here, there := at(english, en, e, i), at(portuguese, pt, p, i)
		if i >= len(e) || i >= len(p) || e[i].kind != p[i].kind {
			return append(complaints, fmt.Sprintf(
				"%s, %s: both must have the same parts in the same order", here, there))
		}
		for _, why := range differences(e[i], p[i]) {
			complaints = append(complaints, fmt.Sprintf("%s, %s: %s", here, there, why))
		}
	}
	return complaints
}

// at says where a part is and which, for a person to find it.
func at(path, document string, parts []part, i int) string {
	if i >= len(parts) {
		return fmt.Sprintf("%s:%d is its end", path, strings.Count(document, "\n"))
	}
	first, _, _ := strings.Cut(strings.TrimSpace(parts[i].text), "\n")
	return fmt.Sprintf("%s:%d is a %s, %.40q", path, parts[i].line, parts[i].kind, first)
}

// differences says what a part and its translation have not in common, although they should.
func differences(e, p part) (all []string) {
	switch e.kind {
	case "code block":
		return differentCode(e.text, p.text)
	case "table row":
		ours, theirs := cells(e.text), cells(p.text)
		if len(ours) != len(theirs) {
			return []string{fmt.Sprintf("%d cells against %d", len(ours), len(theirs))}
		}
		for i := range ours {
			for _, why := range differentText(ours[i], theirs[i]) {
				all = append(all, fmt.Sprintf("column %d: %s", i+1, why))
			}
		}
		return all
	default:
		return differentText(e.text, p.text)
	}
}

// differentCode says which is the first line of code that is not the same, byte for byte.
func differentCode(e, p string) []string {
	ours, theirs := strings.Split(e, "\n"), strings.Split(p, "\n")
	for i := range min(len(ours), len(theirs)) {
		if ours[i] != theirs[i] {
			return []string{fmt.Sprintf("line %d of the code is %q against %q", i+1, ours[i], theirs[i])}
		}
	}
	if len(ours) != len(theirs) {
		return []string{fmt.Sprintf("the code has %d lines against %d", len(ours), len(theirs))}
	}
	return nil
}

var (
	letter = regexp.MustCompile(`\pL`)
	number = regexp.MustCompile(`[0-9](?:[0-9.,:]*[0-9])?`)
)

// differentText says what differs of what a translation keeps: code, links, numbers. Their
// order is that of the words, and so free. What has no words is kept as it stands.
func differentText(e, p string) (all []string) {
	words := strings.Fields(prose(e))
	switch {
	case !letter.MatchString(prose(e)) && e != p:
		return []string{fmt.Sprintf("%q against %q", e, p)}
	case len(words) > 5 && e == p:
		return []string{"it is not translated"}
	case e != "" && p == "":
		return []string{"the translation is empty"}
	}
	for _, kept := range []struct {
		name string
		of   func(string) []string
	}{{"code", quoted}, {"links", neutralTargets}, {"numbers", numbers}} {
		ours, theirs := slices.Sorted(slices.Values(kept.of(e))), slices.Sorted(slices.Values(kept.of(p)))
		if !slices.Equal(ours, theirs) {
			all = append(all, fmt.Sprintf("%s: only here %q, only there %q", kept.name, without(ours, theirs), without(theirs, ours)))
		}
	}
	return all
}

// neutralTargets are the targets of links without what the language changes: the anchors in
// the same file, and the file in the other language.
func neutralTargets(text string) (all []string) {
	for _, target := range targets(text) {
		switch {
		case strings.HasPrefix(target, "#"):
			target = "#"
		case target == english || target == portuguese:
			target = "the other language"
		}
		all = append(all, target)
	}
	return all
}

// numbers are those of a text: 0.14 is 0,14 in Portuguese, and 1,000 is 1.000.
func numbers(text string) (all []string) {
	text = linkTarget.ReplaceAllString(prose(text), "")
	for _, n := range number.FindAllString(text, -1) {
		all = append(all, strings.NewReplacer(".", "", ",", "").Replace(n))
	}
	return all
}

// without are those of a that b has not, as often as they are more.
func without(a, b []string) []string {
	a = slices.Clone(a)
	for _, s := range b {
		if i := slices.Index(a, s); i >= 0 {
			a = slices.Delete(a, i, i+1)
		}
	}
	return a
}
