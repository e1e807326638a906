package main

import (
	"fmt"
	"strings"

	"github.com/presenced/presence/clientctl/fault"
)

const exitOK = 0

// exits is every exit code but 0, and what it means.
var exits = [...]struct {
	kind    fault.Kind
	code    int
	meaning string
}{
	{fault.Failed, 1, "failed: no answer in time, a line of the input without a good answer, ..."},
	{fault.Usage, 2, "usage: the command line or a variable is wrong"},
	{fault.Unreachable, 3, "unreachable: nothing answers at the address"},
	{fault.Refused, 4, "refused: the server said no"},
	{fault.Interrupted, 130, "interrupted: Ctrl-C, or SIGTERM; also what ends --watch and --follow"},
}

// exitCode returns what the process exits with after err.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	kind := fault.KindOf(err)
	for _, e := range exits {
		if e.kind == kind {
			return e.code
		}
	}
	return 1
}

// exitHelp is the help's section about exit codes.
func exitHelp() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Exit codes:\n  %3d  ok\n", exitOK)
	for _, e := range exits {
		fmt.Fprintf(&b, "  %3d  %s\n", e.code, e.meaning)
	}
	return b.String()
}
