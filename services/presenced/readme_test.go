package main

import (
	"os"
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
