package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// liftNegatives moves negative numbers among the arguments of a command that takes a
// number behind a "--", because pflag takes -5 for a flag: then `clientctl fibonacci
// -5` asks the server, which says what is allowed. Everything else stays as it is.
func liftNegatives(root *cobra.Command, args []string) []string {
	cmd, rest, err := root.Find(args)
	if err != nil {
		return args
	}
	if _, ok := cmd.Annotations[numberArgument]; !ok {
		return args
	}
	flags, numbers := split(cmd, rest)
	if len(numbers) == 0 {
		return args
	}
	return slices.Concat([]string{cmd.Name()}, flags, []string{"--"}, numbers)
}

// split takes the negative numbers out of args, up to a "--".
func split(cmd *cobra.Command, args []string) (others, numbers []string) {
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "--":
			return others, append(numbers, args[i+1:]...)
		case takesValue(cmd, args[i]) && i+1 < len(args):
			others = append(others, args[i], args[i+1])
			i++
		case len(args[i]) > 1 && args[i][0] == '-' && args[i][1] >= '0' && args[i][1] <= '9':
			numbers = append(numbers, args[i])
		default:
			others = append(others, args[i])
		}
	}
	return others, numbers
}

// takesValue reports whether arg is a flag whose value is the next argument, such as
// --user in `--user -5`.
func takesValue(cmd *cobra.Command, arg string) bool {
	if name, ok := strings.CutPrefix(arg, "--"); ok {
		f := cmd.Flag(name)
		return f != nil && f.NoOptDefVal == ""
	}
	if len(arg) == 2 && arg[0] == '-' {
		f := cmd.Flags().ShorthandLookup(arg[1:])
		return f != nil && f.NoOptDefVal == ""
	}
	return false
}
