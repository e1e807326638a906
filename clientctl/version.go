package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion(p process) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "Print the version of clientctl, of Go, and of the platform that it is built for.",
		Example: "  clientctl version",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(p.out, "clientctl %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// release is set by the linker where there is no version control to ask, as in the
// container image: -ldflags "-X main.release=v1.2.3".
var release string

// version is the release, else the module's, as the Go command recorded it in the
// binary.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// agent is the User-Agent, which the server keeps with each connection.
func agent() string { return "clientctl/" + version() }
