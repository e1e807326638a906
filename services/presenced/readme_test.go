package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/presenced/presence/services/envflag"
)

// The README's table has every variable, and the two commands.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(text)
	cfg, fs := defaultConfig(), pflag.NewFlagSet("", pflag.ContinueOnError)
	cfg.serverFlags(fs)
	cfg.storeFlags(fs)
	fs.VisitAll(func(f *pflag.Flag) {
		if name := "`" + envflag.Name(f.Name) + "`"; !strings.Contains(readme, name) {
			t.Errorf("the README does not have %s", name)
		}
	})
	for _, command := range []string{"    go run ./services/presenced\n", "    go test -race -shuffle=on ./...\n"} {
		if !strings.Contains(readme, command) {
			t.Errorf("the README does not have the command %q", strings.TrimSpace(command))
		}
	}
}

// The commands that docs/OPERATIONS.md shows are commands, with flags that there are; and
// its table has the exit codes of forget.
func TestOperations_commands(t *testing.T) {
	raw, err := os.ReadFile("../../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	lines := regexp.MustCompile(`presenced (retain|forget|verify)([^\n\x60;]*)`).FindAllString(text, -1)
	if job := regexp.MustCompile(`args: \[(.*)\]`).FindStringSubmatch(text); job != nil {
		lines = append(lines, "presenced "+strings.ReplaceAll(job[1], ",", ""))
	}
	retains := 0
	for _, line := range lines {
		args := strings.Fields(line)[1:]
		if args[0] == "retain" && slices.Contains(args, "90d") {
			retains++
		}
		root := rootCommand(environment{lookup: noVariables, stdout: io.Discard, stderr: io.Discard})
		cmd, rest, err := root.Find(args)
		if err != nil || cmd == root {
			t.Errorf("%q is no command: %v", line, err)
			continue
		}
		if strings.Contains(line, "--") && !strings.Contains(line, " says ") {
			if err := cmd.ParseFlags(rest); err != nil {
				t.Errorf("%q: %v", line, err)
			}
		}
	}
	if retains != 3 {
		t.Errorf("it shows %d ways to run retain, want those with cron, systemd and Kubernetes", retains)
	}
	for code := range exitOpen + 1 {
		if code != exitDuplicate && !regexp.MustCompile(fmt.Sprintf(`(?m)^\| (\d, )*%d(, \d)* \|`, code)).MatchString(text) {
			t.Errorf("it does not have exit code %d", code)
		}
	}
}
