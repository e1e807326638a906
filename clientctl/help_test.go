package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func quietRoot() *cobra.Command {
	return newRoot(process{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
}

// everything is all commands there are.
func everything(t *testing.T) []*cobra.Command {
	t.Helper()
	root := quietRoot()
	all := commands(root)
	if len(all) < 15 {
		t.Fatalf("there are %d commands only", len(all))
	}
	return all
}

func TestNewRoot_every_command_has_help(t *testing.T) {
	for _, c := range everything(t) {
		if c.Short == "" || len(c.Long) < len(c.Short) || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: short %q, long %q", c.CommandPath(), c.Short, c.Long)
		}
		if n := strings.Count(c.Example, "clientctl"); n < 2 {
			t.Errorf("%s has %d examples, want two", c.CommandPath(), n)
		}
		for line := range strings.Lines(c.Long) {
			if len(line) > 90 {
				t.Errorf("%s: a line is too long: %q", c.CommandPath(), line)
			}
		}
	}
	for _, topic := range topics(quietRoot()) {
		if topic.Short == "" || topic.Long == "" || !topic.IsAdditionalHelpTopicCommand() {
			t.Errorf("the topic %s is none", topic.Name())
		}
	}
}

// oneCommand finds the command lines of an example: clientctl, up to what a shell takes
// for its own.
var oneCommand = regexp.MustCompile(`(?m)(?:^|[ (|])clientctl ((?:"[^"]*"|'[^']*'|[^|<>)&\n"'])*)`)

// Each example is one that this command, or another of the tree, understands: its flags
// exist and can be read, and so can its arguments.
func TestNewRoot_examples_are_understood(t *testing.T) {
	for _, c := range everything(t) {
		found := oneCommand.FindAllStringSubmatch(c.Example, -1)
		if len(found) == 0 {
			t.Errorf("%s: no command in its examples", c.CommandPath())
		}
		for _, example := range found {
			root := quietRoot()
			args := words(example[1])
			cmd, rest, err := root.Find(joinIntervals(root, args))
			if err != nil || cmd == root && len(args) > 0 {
				t.Errorf("%s: %q: no such command, %v", c.CommandPath(), example[1], err)
				continue
			}
			if err := cmd.ParseFlags(rest); err != nil {
				t.Errorf("%s: %q: %v", c.CommandPath(), example[1], err)
				continue
			}
			if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
				t.Errorf("%s: %q: %v", c.CommandPath(), example[1], err)
			}
		}
	}
}

// words cuts a command line as a shell does, but for escapes.
func words(line string) (all []string) {
	for _, word := range regexp.MustCompile(`(?:"[^"]*"|'[^']*'|[^ "'])+`).FindAllString(line, -1) {
		all = append(all, strings.NewReplacer(`"`, "", "'", "").Replace(word))
	}
	return all
}

func TestSuggestions(t *testing.T) {
	for in, want := range map[string]string{
		"fibonaci 5":                "did you mean fibonacci?",
		"fib 5":                     "did you mean fibonacci?",
		"who":                       "did you mean online?",
		"ls":                        "did you mean online?",
		"seq 5":                     "did you mean sequence?",
		"journal -f":                "did you mean events?",
		"load mrge":                 `load takes no arguments, got "mrge": did you mean merge?`,
		"help onlin":                `there is no command "onlin": did you mean online?`,
		"help load mergee":          "did you mean merge?",
		"man statz":                 "did you mean stats?",
		"online --usr x":            "unknown flag: --usr: did you mean --user?",
		"online --json":             "did you mean --output json?",
		"kick ana --id x":           "did you mean --connection?",
		"history ana --since -2h":   "did you mean --from?",
		"nodes --interval 2s":       "did you mean --watch?",
		"connect --host ws://h":     "did you mean --ws?",
		"online --wach":             "did you mean --watch?",
		"completion tcsh":           "Give one of bash, zsh, fish and powershell",
		"online --completely-other": "unknown flag: --completely-other",
		"nodes --watch=1ms":         "want 100ms to 1h, such as 2s",
		"nodes --watch=soon":        "want 100ms to 1h, such as 2s",
		"online --at -2h --watch":   "--watch is of now",
		"man online --dir x":        `leave "online" away`,
	} {
		var said strings.Builder
		code := run(t.Context(), strings.Fields(in), process{
			in: strings.NewReader(""), out: io.Discard, err: &said,
			lookup: func(string) (string, bool) { return "", false }, now: nil,
		})
		if code != 2 || !strings.Contains(said.String(), want) {
			t.Errorf("%s: exit code %d, %q; want %q in it", in, code, said.String(), want)
		}
		if strings.Contains(said.String(), " or ") && strings.Contains(want, "?") && !strings.Contains(want, " or ") {
			t.Errorf("%s: more than one is meant: %s", in, said.String())
		}
	}
}

// The pages are for man: each begins with a title, and has nothing that roff would take
// for a command of its own.
func TestMan_pages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if err := writeMan(quietRoot(), dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"clientctl", "clientctl-online", "clientctl-load-merge", "clientctl-man"} {
		page, err := os.ReadFile(filepath.Join(dir, name+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		if !strings.HasPrefix(string(page), `.TH "`+strings.ToUpper(name)+`" 1 `) {
			t.Errorf("%s begins with %.60q", name, page)
		}
		for line := range strings.Lines(string(page)) {
			request, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch {
			case !strings.HasPrefix(line, ".") && !strings.HasPrefix(line, "'"):
			case slices.Contains([]string{".TH", ".SH", ".PP", ".TP", ".B", ".BR", ".nf", ".fi"}, request):
			default:
				t.Errorf("%s: %q is a request", name, line)
			}
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != len(commands(quietRoot())) {
		t.Errorf("there are %d pages of %d commands", len(entries), len(commands(quietRoot())))
	}
}
