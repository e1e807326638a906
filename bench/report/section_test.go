package report

import "testing"

func TestReplaceSection(t *testing.T) {
	const whole = "# Results\n\nold\n\n### part\n\n## By hand\n\nkept\n\n## Lies\n\nfew\n"
	tests := []struct{ name, text, title, section, want string }{
		{"an empty file", "", "# Results", "# Results\n\nnew\n\n", "# Results\n\nnew\n"},
		{"the first", whole, "# Results", "# Results\n\nnew\n", "# Results\n\nnew\n\n## By hand\n\nkept\n\n## Lies\n\nfew\n"},
		{"the last", whole, "## Lies", "## Lies\n\nnone\n", "# Results\n\nold\n\n### part\n\n## By hand\n\nkept\n\n## Lies\n\nnone\n"},
		{"one between", whole, "## By hand", "## By hand\n\nnew\n", "# Results\n\nold\n\n### part\n\n## By hand\n\nnew\n\n## Lies\n\nfew\n"},
		{"one that is new", "# Results\n\nold\n", "## Lies", "## Lies\n", "# Results\n\nold\n\n## Lies\n"},
		{"a title that only begins so", "## Lies and more\n\nkept\n", "## Lies", "## Lies\n", "## Lies and more\n\nkept\n\n## Lies\n"},
	}
	for _, tt := range tests {
		got := ReplaceSection(tt.text, tt.title, tt.section)
		if got != tt.want {
			t.Errorf("%s: got\n%q, want\n%q", tt.name, got, tt.want)
		}
		if again := ReplaceSection(got, tt.title, tt.section); again != got {
			t.Errorf("%s: the second time\n%q", tt.name, again)
		}
	}
}
