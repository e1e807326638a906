package talk

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/protocol"
)

// slash is a command that begins with a slash.
type slash struct {
	name, arguments, meaning string
	line                     func(users []string) Line
}

// slashes are all of them, in the order of the help.
var slashes = []slash{
	{"/who", "[USER...]", "who is online: everyone, or which of these users", who},
	{"/more", "", "the next page of that", func([]string) Line { return Line{More: true} }},
	{"/watch", "[USER...]", "who is online, and then who comes and goes", watch},
	{"/unwatch", "", "no more of that", func([]string) Line { return Line{Command: Command{Type: protocol.Unwatch}} }},
	{"/ping", "", "how long the server takes to answer", func([]string) Line { return Line{Command: Command{Type: protocol.Ping}} }},
	{"/help", "", "this list", func([]string) Line { return Line{Help: true} }},
	{"/quit", "", "the same as the end of the input", func([]string) Line { return Line{Quit: true} }},
}

func who(users []string) Line { return Line{Command: Command{Type: protocol.Who, Users: users}} }

func watch(users []string) Line { return Line{Command: Command{Type: protocol.Watch, Users: users}} }

// Help is what can be typed, in lines.
func Help() string {
	var b strings.Builder
	row := func(form, meaning string) { fmt.Fprintf(&b, "  %-18s %s\n", form, meaning) }
	row("42", "the Fibonacci number F(42)")
	row("seq 10", "the first ten of them")
	for _, s := range slashes {
		row(strings.TrimSpace(s.name+" "+s.arguments), s.meaning)
	}
	row(`{"type":"who"}`, "any message of the protocol, in JSON")
	return b.String()
}

// Complete returns the slash commands that begin with a text, with a blank after those
// that take arguments.
func Complete(begun string) (all []string) {
	for _, s := range slashes {
		if !strings.HasPrefix(s.name, begun) {
			continue
		}
		if s.arguments != "" {
			all = append(all, s.name+" ")
		} else {
			all = append(all, s.name)
		}
	}
	return all
}

func parseSlash(line string) Line {
	words, err := split(line)
	if err != nil {
		return Line{Err: err}
	}
	i := slices.IndexFunc(slashes, func(s slash) bool { return s.name == words[0] })
	if i < 0 {
		return Line{Err: noSuchSlash(words[0])}
	}
	s, users := slashes[i], words[1:]
	if len(users) == 0 {
		return s.line(nil)
	}
	if s.arguments == "" {
		return Line{Err: fmt.Errorf("%s stands alone, got %.60q behind it", s.name, users[0])}
	}
	for _, user := range users {
		if err := events.ValidateUser(user); err != nil {
			return Line{Err: fmt.Errorf("%s %.60q: %w", s.name, user, err)}
		}
	}
	return s.line(users)
}

var errUnquoted = errors.New(`a name in quotes has no end: /who "John Doe"`)

// split cuts a line at blanks. A word that begins with a quote goes on to the next one, so
// that it may have blanks.
func split(line string) (words []string, err error) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if line[0] == '"' {
			word, rest, closed := strings.Cut(line[1:], `"`)
			if !closed {
				return nil, errUnquoted
			}
			words, line = append(words, word), rest
			continue
		}
		word := strings.Fields(line)[0]
		words, line = append(words, word), line[len(word):]
	}
	return words, nil
}

// noSuchSlash says what may have been meant.
func noSuchSlash(name string) error {
	similar := similarTo(name, func(s string) bool { return strings.HasPrefix(s, name) || strings.HasPrefix(name, s) })
	if len(similar) == 0 {
		const typos = 2
		similar = similarTo(name, func(s string) bool { return distance(s, name) <= typos })
	}
	if len(similar) == 0 {
		return fmt.Errorf("there is no %.60q: /help says what there is", name)
	}
	return fmt.Errorf("there is no %.60q: did you mean %s?", name, strings.Join(similar, " or "))
}

func similarTo(name string, is func(string) bool) (names []string) {
	for _, s := range slashes {
		if len(name) > 1 && is(s.name) { // a slash alone is similar to nothing
			names = append(names, s.name)
		}
	}
	return names
}

// distance is how many letters have to be put in, left out or changed to make b of a
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
