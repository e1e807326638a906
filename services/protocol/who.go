package protocol

import (
	"strconv"

	"github.com/presenced/presence/events"
)

// defaultPage is how many users a page of who has, if the command does not say.
const defaultPage = 100

func (c *Command) setWho(f *fields, l Limits) *Error {
	if f.users != nil {
		if f.limit != nil || f.after != nil {
			return badRequest(c.ID, "give users, or limit and after, not both: users are answered on one page")
		}
		if e := c.setUsers(f.users, l.MaxUsers); e != nil {
			return e
		}
		if c.Given > l.MaxUsers {
			return &Error{ID: c.ID, Code: OutOfRange, Message: "users has " + strconv.Itoa(c.Given) +
				" user ids, and at most " + strconv.Itoa(l.MaxUsers) + " may be asked for at once"}
		}
		return nil
	}
	if e := c.setLimit(f.limit, l.MaxUsers); e != nil {
		return e
	}
	return c.setAfter(f.after)
}

func (c *Command) setWatch(f *fields, l Limits) *Error {
	if f.level != nil {
		var buf [maxName]byte
		switch {
		case kind(f.level) == aString && string(unquote(buf[:0], f.level)) == "users":
		case kind(f.level) == aString && string(unquote(buf[:0], f.level)) == "connections":
			c.Level = ByConnection
		default:
			return badRequest(c.ID, `level must be "users" or "connections"`)
		}
	}
	if f.users == nil {
		return nil
	}
	return c.setUsers(f.users, l.MaxUsers)
}

// setUsers reads an array of user ids. It keeps the first limit of them, and counts and
// checks the kind of the rest.
func (c *Command) setUsers(value []byte, limit int) *Error {
	if kind(value) != anArray {
		return badRequest(c.ID, "users must be an array of user ids, not "+kind(value).String())
	}
	const shortest = len(`"x",`)
	c.Users = make([]string, 0, min(limit, len(value)/shortest+1))
	s := scanner{p: value, i: 1} // valid JSON: it was read before
	for s.space(); !s.take(']'); s.space() {
		s.take(',')
		s.space()
		user := s.value(1)
		if kind(user) != aString {
			return badRequest(c.ID, c.element()+" must be a string, not "+kind(user).String())
		}
		if c.Given < limit {
			if halved(user) {
				return badRequest(c.ID, c.element()+": "+halfPair)
			}
			name := string(unquote(nil, user))
			if err := events.ValidateUser(name); err != nil {
				return badRequest(c.ID, c.element()+": "+err.Error())
			}
			c.Users = append(c.Users, name)
		}
		c.Given++
	}
	return nil
}

// halfPair is wrong with a text that is no text: it must not be taken for another one.
const halfPair = "it has half of a surrogate pair"

// element names the element of users that is being read.
func (c *Command) element() string { return "users[" + strconv.Itoa(c.Given) + "]" }

func (c *Command) setLimit(value []byte, most int) *Error {
	if value == nil {
		c.Limit = min(defaultPage, most)
		return nil
	}
	want := "limit must be between 1 and " + strconv.Itoa(most)
	if kind(value) != aNumber {
		return badRequest(c.ID, want+", not "+kind(value).String())
	}
	n, negative, ok := integer(value)
	switch {
	case !ok:
		return badRequest(c.ID, want+", in digits, without fraction and exponent")
	case negative || n < 1 || n > uint64(most):
		return &Error{ID: c.ID, Code: OutOfRange, Message: want}
	}
	c.Limit = int(n)
	return nil
}

func (c *Command) setAfter(value []byte) *Error {
	if value == nil {
		return nil
	}
	if kind(value) != aString {
		return badRequest(c.ID, "after must be a string, the next of the page before, not "+kind(value).String())
	}
	if halved(value) {
		return badRequest(c.ID, "after: "+halfPair)
	}
	c.After = string(unquote(nil, value))
	if c.After == "" {
		return nil
	}
	if err := events.ValidateUser(c.After); err != nil {
		return badRequest(c.ID, "after: "+err.Error())
	}
	return nil
}
