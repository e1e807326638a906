package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// exitsOf has the exit codes that each command can end with.
var exitsOf = map[string]string{
	"clientctl":            "0 2",
	"clientctl connect":    "0 1 2 3 4 130",
	"clientctl fibonacci":  "0 1 2 3 4 130",
	"clientctl sequence":   "0 1 2 3 4 130",
	"clientctl watch":      "1 2 3 4 130", // it ends by an interruption at best
	"clientctl load":       "0 1 2 3 4",   // 130 has its test at a terminal
	"clientctl load merge": "0 1 2",
	"clientctl online":     "0 1 2 3 4 130",
	"clientctl history":    "0 1 2 3 4 130",
	"clientctl last-seen":  "0 1 2 3 4 130",
	"clientctl timeline":   "0 1 2 3 4 130",
	"clientctl events":     "0 1 2 3 4 130",
	"clientctl nodes":      "0 1 2 3 4 130",
	"clientctl stats":      "0 1 2 3 4 130",
	"clientctl kick":       "0 1 2 3 4 130",
	"clientctl verify":     "0 1 2 3 4 130",
	"clientctl version":    "0 1 2 3 4 130",
	"clientctl token":      "0 2",
	"clientctl completion": "0 2",
	"clientctl man":        "0 1 2",
	"clientctl help":       "0 2",
}

var scriptLine = regexp.MustCompile(`(?m)^(?:exits ([0-9]+)|interrupted (?:'[^']*'|\S+)) clientctl *(.*)$`)

// Every command has a script for each of its exit codes, and for its output in each form.
func TestScripts_have_every_command_and_exit_code(t *testing.T) {
	seen := make(map[string]bool)
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal(scripts, err)
	}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range scriptLine.FindAllStringSubmatch(string(text), -1) {
			root := quietRoot()
			args := words(found[2])
			cmd, _, err := root.Find(liftNegatives(root, args))
			if err != nil {
				continue // it is about that
			}
			code := found[1]
			if code == "" {
				code = "130"
			}
			seen[cmd.CommandPath()+" "+code] = true
			for i, arg := range args {
				if arg == "-o" && i+1 < len(args) && code == "0" {
					seen[cmd.CommandPath()+" as "+args[i+1]] = true
				}
			}
		}
	}
	for _, cmd := range everything(t) {
		codes, ok := exitsOf[cmd.CommandPath()]
		if !ok {
			t.Errorf("the table exitsOf has no line for %s", cmd.CommandPath())
		}
		for code := range strings.FieldsSeq(codes) {
			if !seen[fmt.Sprint(cmd.CommandPath(), " ", code)] {
				t.Errorf("no script has %s exit with %s", cmd.CommandPath(), code)
			}
		}
		if strings.HasPrefix(codes, "0") && cmd.Flags().Lookup("output") != nil && !seen[cmd.CommandPath()+" as json"] {
			t.Errorf("no script has %s say it in JSON, and exit with 0", cmd.CommandPath())
		}
	}
}
