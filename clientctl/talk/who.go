package talk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/presenced/presence/clientctl/table"
	"github.com/presenced/presence/clientctl/terminal"
	"github.com/presenced/presence/services/protocol"
)

// who shows the answer to a who command as a table. Of users who were named those who are
// not online have a row too.
func (s *text) who(a Answer) error {
	offline := absent(a)
	if len(a.Message.Users)+len(offline) == 0 {
		return s.Say("nobody is online\n" + total(a.Message))
	}
	t := table.New(
		table.Column{Head: "USER", Rank: 2},
		table.Column{Head: "SINCE", Kind: table.Fixed, Rank: 1},
		table.Column{Head: "CONNECTIONS", Kind: table.Number, Rank: 1})
	for _, p := range a.Message.Users {
		t.Add(table.Of(p.User), table.Own(s.look.time(p.Since)), table.Count(p.Connections))
	}
	for _, user := range offline {
		t.Add(table.Of(user), table.Own("offline"), table.Count(0))
	}
	var b strings.Builder
	width := columns(s.look.Width)
	if err := t.Write(table.Screen{Writer: &b, Width: width, Bold: bool(s.look.Colours)}); err != nil {
		return err
	}
	return say(s.out, b.String()+terminal.Break(total(a.Message), width))
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
