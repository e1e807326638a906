package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// otherNames are what people call commands that have another name here.
var otherNames = map[string][]string{
	"connect":    {"open", "login", "dial", "join", "chat", "repl", "shell"},
	"fibonacci":  {"fib", "number", "calc", "compute"},
	"sequence":   {"seq", "range"},
	"online":     {"who", "ls", "list", "ps", "users", "presence", "connections", "sessions"},
	"watch":      {"subscribe", "listen", "observe"},
	"history":    {"past", "log-of", "when"},
	"last-seen":  {"last", "lastseen", "seen"},
	"timeline":   {"chart", "graph", "trend", "peak"},
	"events":     {"log", "logs", "tail", "journal", "stream"},
	"nodes":      {"cluster", "members", "servers", "peers"},
	"kick":       {"disconnect", "close", "ban", "drop", "kill"},
	"stats":      {"status", "info", "counts", "metrics", "top"},
	"verify":     {"check", "fsck", "doctor", "audit"},
	"token":      {"jwt", "sign", "gentoken", "mint"},
	"load":       {"bench", "benchmark", "stress", "loadtest"},
	"completion": {"complete", "autocomplete"},
	"man":        {"manual", "docs"},
}

// otherFlags are what people call flags that have another name here. Which of them is
// meant depends on what the command has.
var otherFlags = map[string][]string{
	"json": {"output json"}, "format": {"output"}, "text": {"output text"}, "table": {"output table"},
	"address": {"ws", "admin"}, "host": {"ws", "admin"}, "port": {"ws", "admin"}, "server": {"ws", "admin"}, "url": {"ws", "admin"}, "api": {"admin"},
	"name": {"user"}, "id": {"user", "connection"}, "username": {"user"},
	"since": {"from"}, "start": {"from"}, "until": {"to"}, "end": {"to"}, "time": {"at"}, "cursor": {"after"},
	"every": {"watch"}, "interval": {"watch"}, "refresh": {"watch"}, "tail": {"follow"},
	"max": {"limit"}, "count": {"limit", "connections"}, "password": {"token", "admin-token"}, "cacert": {"ca"}, "message": {"reason"},
}

// noSuchCommand refuses arguments of a command that has others below it: they are
// mistyped commands.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	return usage(errors.New(didYouMean(fmt.Sprintf("there is no command %q", args[0]), cmd.SuggestionsFor(args[0]))))
}

// flagError is the error for flags that cannot be read.
func flagError(cmd *cobra.Command, err error) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok || len(unknown.GetSpecifiedName()) < 2 {
		return usage(err)
	}
	return usage(fmt.Errorf("%s", didYouMean(err.Error(), similarFlags(cmd, unknown.GetSpecifiedName()))))
}

func similarFlags(cmd *cobra.Command, name string) (similar []string) {
	for _, other := range otherFlags[name] {
		flag, _, _ := strings.Cut(other, " ")
		if cmd.Flags().Lookup(flag) != nil {
			similar = append(similar, "--"+other)
		}
	}
	// How alike words are is cobra's to say, for commands; so flags are commands here.
	// Half of a word may be mistyped: else --id were like --ca.
	alike := &cobra.Command{SuggestionsMinimumDistance: min(len(name)/2, 2)}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		alike.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	for _, flag := range alike.SuggestionsFor(name) {
		similar = append(similar, "--"+flag)
	}
	return similar
}

func didYouMean(what string, similar []string) string {
	if len(similar) == 0 {
		return what
	}
	slices.Sort(similar)
	similar = slices.Compact(similar) // one may be similar for two reasons
	return what + ": did you mean " + strings.Join(similar, " or ") + "?"
}
