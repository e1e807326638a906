package talk

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/presenced/presence/clientctl/terminal"
	"github.com/presenced/presence/services/protocol"
)

// who shows the answer to a who command as a table. Of users who were named those who are
// not online have a row too.
func (s *text) who(a Answer) error {
	rows := [][]string{{"USER", "SINCE", "CONNECTIONS"}}
	for _, p := range a.Message.Users {
		rows = append(rows, []string{terminal.Escape(p.User), s.look.time(p.Since), strconv.Itoa(p.Connections)})
	}
	for _, user := range absent(a) {
		rows = append(rows, []string{terminal.Escape(user), "offline", "0"})
	}
	if len(rows) == 1 {
		return say(s.out, "nobody is online\n"+total(a.Message))
	}
	return say(s.out, terminal.Table(rows)+total(a.Message))
}

// absent are the users who were asked for and are not online, each once.
func absent(a Answer) (users []string) {
	if a.Command == nil {
		return nil
	}
	for _, user := range a.Command.Users {
		online := slices.ContainsFunc(a.Message.Users, func(p protocol.Present) bool { return p.User == user })
		if !online && !slices.Contains(users, user) {
			users = append(users, user)
		}
	}
	return users
}

// total says how many connections there are of all users, and how to see the rest.
func total(m protocol.Message) string {
	text := fmt.Sprintf("in all, connections: %d", m.Total)
	if m.Next != "" {
		text += "; there are more users: type /more"
	}
	return text + "\n"
}
