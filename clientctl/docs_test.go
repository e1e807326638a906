package main

import (
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// The commands that the documents show are commands, with flags that there are.
func TestDocs_Commands(t *testing.T) {
	shown := 0
	for _, name := range []string{"README.md", "docs/OPERATIONS.md", "docs/ARCHITECTURE.md"} {
		text, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		// In a block, perhaps behind a prompt, a variable or a pipe; or in backticks.
		for _, m := range regexp.MustCompile("(?m)(?:^    .*?|`)(?:\\./|/)?clientctl ([^\\n`|>]*)").FindAllStringSubmatch(string(text), -1) {
			shown++
			checkCommand(t, name, strings.Fields(m[1]))
		}
	}
	if shown < 30 {
		t.Errorf("they show %d commands", shown)
	}
}

func checkCommand(t *testing.T, where string, args []string) {
	t.Helper()
	root := newRoot(process{in: strings.NewReader(""), out: io.Discard, err: io.Discard, lookup: func(string) (string, bool) { return "", false }})
	cmd, rest, err := root.Find(args)
	if err != nil || cmd == root {
		t.Errorf("%s: clientctl %s is no command: %v", where, strings.Join(args, " "), err)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil && !errors.Is(err, pflag.ErrHelp) {
		t.Errorf("%s: clientctl %s: %v", where, strings.Join(args, " "), err)
	}
}
