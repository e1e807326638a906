package auth

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/presenced/presence/events"
)

// The paths on which clients connect.
const (
	pathRoot = "/"
	pathWS   = "/ws"
)

// ErrNotHere is returned for a request target that is no place to connect to.
var ErrNotHere = errors.New("connect to / or /ws")

// ErrNoUser is returned when a request does not say whose it is.
var ErrNoUser = errors.New("say who you are: add ?user=NAME to the address")

// parseTarget returns the query of a request target, or an error that wraps ErrNotHere
// or ErrNoUser.
func parseTarget(target string) (url.Values, error) {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, fmt.Errorf("%w: the request target cannot be read", ErrNotHere)
	}
	if u.Path != pathRoot && u.Path != pathWS {
		return nil, fmt.Errorf("%w, not to another path", ErrNotHere)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("%w: the query cannot be read, escape it", ErrNoUser)
	}
	return query, nil
}

// userOf returns the user that a query names, "" if it names none.
func userOf(query url.Values) (string, error) {
	users := query["user"]
	if len(users) > 1 {
		return "", fmt.Errorf("%w: one, not %d", ErrNoUser, len(users))
	}
	return query.Get("user"), nil
}

// Anonymous believes clients who they say they are: "/ws?user=42".
type Anonymous struct{}

var _ Authenticator = Anonymous{}

// Identify implements Authenticator. Its error wraps ErrNotHere, ErrNoUser or
// events.ErrInvalidUser.
func (Anonymous) Identify(c Credentials) (Identity, error) {
	query, err := parseTarget(c.Target)
	if err != nil {
		return Identity{}, err
	}
	user, err := userOf(query)
	if err != nil {
		return Identity{}, err
	}
	if user == "" {
		return Identity{}, ErrNoUser
	}
	if err := events.ValidateUser(user); err != nil {
		return Identity{}, err
	}
	return Identity{User: user}, nil
}

// Renew implements Authenticator: here no token means anything.
func (Anonymous) Renew(string, []byte) (Identity, error) { return Identity{}, ErrNoTokens }
