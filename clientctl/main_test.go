package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// TestMain makes the command line itself a program that scripts and tests can run.
func TestMain(m *testing.M) {
	testscript.Main(leakTested{m}, map[string]func(){"clientctl": func() { os.Exit(realMain()) }})
}

// leakTested fails the tests if one of them leaves a goroutine.
type leakTested struct{ *testing.M }

func (m leakTested) Run() int {
	code := m.M.Run()
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		os.Stderr.WriteString(err.Error())
		return 1
	}
	return 0
}
