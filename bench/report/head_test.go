package report

import "testing"

// What others have written in sections of their own is not lost when the head is
// written anew.
func TestReplaceHead(t *testing.T) {
	const head = "# Results\n\n| new |\n"
	for old, want := range map[string]string{
		"":                          head,
		"# Results\n\n| old |\n":    head,
		"# Results\n\n## Lies\n\nl": head + "\n## Lies\n\nl",
		"## A\n\na\n\n## B\n\nb\n":  head + "\n## A\n\na\n\n## B\n\nb\n",
		"| ## no section |\n### nor this\n\n## A\n": head + "\n## A\n",
	} {
		got := ReplaceHead(old, head)
		if got != want {
			t.Errorf("%q: %q, want %q", old, got, want)
		}
		if again := ReplaceHead(got, head); again != got {
			t.Errorf("%q: %q the second time", old, again)
		}
	}
}
