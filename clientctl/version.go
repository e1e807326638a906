package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/presenced/presence/clientctl/online"
	"github.com/presenced/presence/clientctl/operate"
	"github.com/presenced/presence/clientctl/terminal"
	"github.com/presenced/presence/services/buildinfo"
	"github.com/presenced/presence/services/envflag"
	"github.com/spf13/cobra"
)

// bothVersions is what version prints as JSON.
type bothVersions struct {
	buildinfo.Info
	Server *serverVersion `json:"server,omitempty"`
}

// serverVersion is what a server says of itself.
type serverVersion struct {
	Node    string `json:"node"`
	Version string `json:"version"`
	Go      string `json:"go"`
}

func newVersion(p process) *cobra.Command {
	var q query
	var server bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, and with --server that of the server",
		Long: `Print the version of clientctl, of Go, of the platform that it is built for, and,
if it was built in a checkout, from which revision.

With --server, ask the operator's API for the version of the server too. The
versions of all nodes are in clientctl stats.`,
		Example: `  clientctl version
  clientctl version --server
  clientctl version -o json | jq -r .version`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return printVersion(cmd.Context(), q, server, p) },
	}
	cmd.Flags().BoolVar(&server, "server", false, "ask the server too")
	q.addFlags(cmd.Flags())
	return cmd
}

func printVersion(ctx context.Context, q query, server bool, p process) error {
	v := bothVersions{Info: buildinfo.Read(release)}
	if err := q.checkOutput(); err != nil {
		return err
	}
	if server { // else a wrong address does not matter
		var err error
		if v.Server, err = askVersion(ctx, q); err != nil {
			return err
		}
	}
	if q.output == "json" {
		return online.JSON(p.out, []bothVersions{v}, p.terminal)
	}
	if _, err := fmt.Fprintln(p.out, v.Line("clientctl")); err != nil || v.Server == nil {
		return err
	}
	_, err := fmt.Fprintln(p.out, terminal.Escape(fmt.Sprintf("presenced %s %s on node %s", v.Server.Version, v.Server.Go, v.Server.Node)))
	return err
}

func askVersion(ctx context.Context, q query) (*serverVersion, error) {
	c, err := q.client()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	s, err := operate.GetStats(ctx, c, false)
	if err != nil {
		return nil, err
	}
	return &serverVersion{word(s, "node"), word(s, "version"), word(s, "go")}, nil
}

// versionFlag makes --version say what version says. It has no variable: VERSION is often
// set, and to something else. Cobra's own flag needs a template for that, and templates find
// methods by their names, so that the linker leaves out none.
func versionFlag(root *cobra.Command) {
	asked := root.Flags().BoolP("version", "v", false, "print the version")
	envflag.Ignore(root.Flags(), "version")
	root.RunE = func(cmd *cobra.Command, _ []string) error {
		if !*asked {
			return cmd.Help()
		}
		_, err := fmt.Fprintln(cmd.OutOrStdout(), buildinfo.Read(release).Line("clientctl"))
		return err
	}
}

// word is what a server says of itself under a name.
func word(s operate.Stats, name string) string {
	text, _ := s.Node[name].(string)
	return cmp.Or(text, "unknown")
}

// release is set by the linker where there is no version control to ask, as in the
// container image: -ldflags "-X main.release=v1.2.3".
var release string

// version is the release, else what the Go command recorded in the binary.
func version() string { return buildinfo.Read(release).Version }

// agent is the User-Agent, which the server keeps with each connection.
func agent() string { return "clientctl/" + version() }
