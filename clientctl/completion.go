package main

import (
	_ "embed"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

const completionHelp = `Print what makes a shell complete commands, flags, and their values: also the users
who are online and the ids of connections, if the operator's API (ADMIN) answers
within a second.

For bash, of all new shells (it needs the package bash-completion):

  clientctl completion bash > ~/.local/share/bash-completion/completions/clientctl

For zsh, with "autoload -U compinit; compinit" in ~/.zshrc:

  clientctl completion zsh > "${fpath[1]}/_clientctl"

For fish:

  clientctl completion fish > ~/.config/fish/completions/clientctl.fish

For PowerShell, in the file that $PROFILE names:

  clientctl completion powershell | Out-String | Invoke-Expression

It has to be there as clientctl, on the PATH: go install ./clientctl puts it there.`

// quotesInBash follows cobra's script, whose functions take a quote for a part of the word.
//
//go:embed quotes.bash
var quotesInBash string

// shells are those that completions are for, each with what writes its script.
var shells = map[string]func(root *cobra.Command, w io.Writer, descriptions bool) error{
	"bash": func(root *cobra.Command, w io.Writer, d bool) error {
		if err := root.GenBashCompletionV2(w, d); err != nil {
			return err
		}
		_, err := io.WriteString(w, quotesInBash)
		return err
	},
	"zsh": func(root *cobra.Command, w io.Writer, d bool) error {
		if d {
			return root.GenZshCompletion(w)
		}
		return root.GenZshCompletionNoDesc(w)
	},
	"fish": func(root *cobra.Command, w io.Writer, d bool) error { return root.GenFishCompletion(w, d) },
	"powershell": func(root *cobra.Command, w io.Writer, d bool) error {
		if d {
			return root.GenPowerShellCompletionWithDesc(w)
		}
		return root.GenPowerShellCompletion(w)
	},
}

func newCompletion(p process) *cobra.Command {
	var bare bool
	cmd := &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a completion script for bash, zsh, fish or powershell",
		Long:  completionHelp,
		Example: `  source <(clientctl completion bash)
  clientctl completion fish | source`,
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || shells[args[0]] == nil {
				return usage(fmt.Errorf("completion for which shell? Give one of bash, zsh, fish and powershell"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return shells[args[0]](cmd.Root(), p.out, !bare) },
	}
	cmd.Flags().BoolVar(&bare, "no-descriptions", false, "complete without describing what is offered")
	variables(cmd.Flags())
	return cmd
}
