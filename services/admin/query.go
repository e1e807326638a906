package admin

import (
	"fmt"
	"net/url"
	"strconv"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

const defaultLimit = 100

// parseOnline reads the query of GET /online: limit, after, and user, which may stand
// many times. What it does not know it refuses, so that a typo is not an answer.
func parseOnline(raw string) (presence.UserQuery, error) {
	q := presence.UserQuery{Limit: defaultLimit}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, fmt.Errorf("the query cannot be read: %w", err)
	}
	for name, given := range values {
		switch name {
		case "user":
			q.Users = given
		case "after":
			q.After = given[0]
		case "limit":
			q.Limit, err = strconv.Atoi(given[0])
			if err != nil || q.Limit < 1 || q.Limit > presence.MaxUserPage {
				return q, fmt.Errorf("limit must be between 1 and %d", presence.MaxUserPage)
			}
		default:
			return q, fmt.Errorf("unknown parameter %q; there is limit, after and user", name)
		}
		if name != "user" && len(given) > 1 {
			return q, fmt.Errorf("%s is given %d times", name, len(given))
		}
	}
	return q, checkUsers(q)
}

func checkUsers(q presence.UserQuery) error {
	if len(q.Users) > presence.MaxUserPage {
		return fmt.Errorf("at most %d users may be asked for, not %d", presence.MaxUserPage, len(q.Users))
	}
	for _, u := range q.Users {
		if err := events.ValidateUser(u); err != nil {
			return fmt.Errorf("user %q: %w", u, err)
		}
	}
	if q.After != "" {
		if err := events.ValidateUser(q.After); err != nil {
			return fmt.Errorf("after: %w", err)
		}
	}
	return nil
}
