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

// FromQuery returns the user that a request target names, "/ws?user=42". It returns
// an error that wraps ErrNotHere, ErrNoUser, or events.ErrInvalidUser, and that says
// to people what to do.
func FromQuery(target string) (string, error) {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return "", fmt.Errorf("%w: the request target cannot be read", ErrNotHere)
	}
	if u.Path != pathRoot && u.Path != pathWS {
		return "", fmt.Errorf("%w, not to %q", ErrNotHere, u.Path)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "", fmt.Errorf("%w: the query cannot be read, escape it", ErrNoUser)
	}
	users := query["user"]
	switch {
	case len(users) == 0 || len(users) == 1 && users[0] == "":
		return "", ErrNoUser
	case len(users) > 1:
		return "", fmt.Errorf("%w: one, not %d", ErrNoUser, len(users))
	}
	if err := events.ValidateUser(users[0]); err != nil {
		return "", err
	}
	return users[0], nil
}
