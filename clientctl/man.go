package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/presenced/presence/clientctl/manual"
	"github.com/spf13/cobra"
)

func newMan(p process) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "man [COMMAND]",
		Short: "Print a page for man, or write all of them",
		Long: `Print the page of a command, or of clientctl itself, for man(1). With --dir, write
the pages of all commands to a directory; where man looks for them, they are
found as clientctl-online and so on.`,
		Example: `  clientctl man online | man -l -
  clientctl man --dir ~/.local/share/man/man1 && man clientctl-online`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir == "" {
				return printMan(cmd.Root(), args, p)
			}
			if len(args) > 0 {
				return usage(fmt.Errorf("--dir has the pages of all commands: leave %q away", args[0]))
			}
			return writeMan(cmd.Root(), dir)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "write the pages of all commands to this `DIRECTORY`, which is made if it is not there")
	variables(cmd.Flags())
	return cmd
}

func printMan(root *cobra.Command, args []string, p process) error {
	cmd, err := find(root, args)
	if err != nil {
		return err
	}
	return manual.Write(p.out, cmd, "clientctl "+version(), sections(cmd)...)
}

func writeMan(root *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // manuals are for everybody
		return err
	}
	for _, cmd := range commands(root) {
		var b bytes.Buffer
		if err := manual.Write(&b, cmd, "clientctl "+version(), sections(cmd)...); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, manual.Name(cmd)+".1"), b.Bytes(), 0o644); err != nil { //nolint:gosec // as above
			return err
		}
	}
	return nil
}

// commands are a command and those below it, without help topics.
func commands(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			all = append(all, commands(sub)...)
		}
	}
	return all
}

// sections are what a page has beside the help: of clientctl itself, the topics.
func sections(cmd *cobra.Command) (all []manual.Section) {
	if cmd.HasParent() {
		return []manual.Section{{Title: "EXIT STATUS", Text: exitHelp()}}
	}
	for _, sub := range cmd.Commands() {
		if sub.IsAdditionalHelpTopicCommand() {
			all = append(all, manual.Section{Title: strings.ToUpper(strings.ReplaceAll(sub.Name(), "-", " ")), Text: sub.Long})
		}
	}
	return all
}
