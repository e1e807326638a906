package admin

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

const (
	defaultLimit = 100

	// maxPage is the most of a page, of whatever: what presence allows for all of them.
	maxPage = min(presence.MaxUserPage, presence.MaxSessionPage, presence.MaxEvents)
)

// parameters are those that a query may have, each with what it does. What a query has
// besides is refused, so that a typo is not an answer.
type parameters map[string]func(given []string) error

// read reads a query. Of what is wrong with it, it tells one thing.
func (p parameters) read(raw string) error {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return fmt.Errorf("the query cannot be read: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		set, known := p[name]
		switch {
		case !known && len(p) == 0:
			return fmt.Errorf("unknown parameter %.60q; there is none", name)
		case !known:
			return fmt.Errorf("unknown parameter %.60q; there is %s", name, strings.Join(slices.Sorted(maps.Keys(p)), ", "))
		}
		if err := set(values[name]); err != nil {
			return fmt.Errorf("%s %w", name, err)
		}
	}
	return nil
}

// once is for a parameter that may stand once.
func once(set func(string) error) func([]string) error {
	return func(given []string) error {
		if len(given) > 1 {
			return fmt.Errorf("is given %d times", len(given))
		}
		return set(given[0])
	}
}

// limit is the size of a page.
func limit(to *int) func([]string) error {
	return between(1, maxPage, to)
}

// between is a whole number.
func between(least, most int, to *int) func([]string) error {
	return once(func(text string) (err error) {
		*to, err = strconv.Atoi(text)
		if err != nil || *to < least || *to > most {
			return fmt.Errorf("must be between %d and %d", least, most)
		}
		return nil
	})
}

// flag is true or false.
func flag(to *bool) func([]string) error {
	return once(func(text string) error {
		if *to = text == "true"; !*to && text != "false" {
			return errors.New("must be true or false")
		}
		return nil
	})
}

// errNoNext says what the cursor of a page is to be.
var errNoNext = errors.New("must be the next of the page before")

// position is the id of a connection; empty is the first page.
func position(to *events.Position) func([]string) error {
	return once(func(text string) (err error) {
		if text == "" {
			return nil
		}
		if *to, err = events.ParsePosition(text); err != nil {
			return errNoNext
		}
		return nil
	})
}

// moment is an instant: RFC 3339, with its zone.
func moment(to *time.Time) func([]string) error {
	return once(func(text string) (err error) {
		*to, err = time.Parse(time.RFC3339, text)
		if err != nil || to.Year() < 1970 || to.Year() > 9999 {
			return fmt.Errorf("%.60q is no time such as 2026-11-23T10:00:00Z or 2026-11-23T11:00:00+01:00 (in a query, + is %%2B)", text)
		}
		*to = to.UTC()
		return nil
	})
}

// users are names of users, each a parameter of its own.
func users(to *[]string) func([]string) error {
	return func(given []string) error {
		if len(given) > presence.MaxUserPage {
			return fmt.Errorf("is given %d times, and at most %d may be asked for", len(given), presence.MaxUserPage)
		}
		for _, u := range given {
			if err := events.ValidateUser(u); err != nil {
				return fmt.Errorf("%.130q: %w", u, err)
			}
		}
		*to = given
		return nil
	}
}

// afterUser is the user after whom the page begins; empty is the first page.
func afterUser(to *string) func([]string) error {
	return once(func(text string) error {
		*to = text
		if text == "" {
			return nil
		}
		return events.ValidateUser(text)
	})
}

// noParameters answers a query that there is no use for, and reports whether all is well.
func noParameters(w http.ResponseWriter, r *http.Request) bool {
	err := parameters{}.read(r.URL.RawQuery)
	if err != nil {
		fail(w, http.StatusBadRequest, protocol.BadRequest, err.Error())
	}
	return err == nil
}

// bare is an endpoint that has no parameters.
func bare(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if noParameters(w, r) {
			serve(w, r)
		}
	}
}

// parseOnline reads the query of GET /online. At is zero where now is meant.
func parseOnline(raw string) (q presence.UserQuery, at time.Time, err error) {
	q.Limit = defaultLimit
	err = parameters{
		"limit": limit(&q.Limit), "after": afterUser(&q.After), "user": users(&q.Users),
		"at": moment(&at),
	}.read(raw)
	return q, at, err
}

// parseHistory reads the query of GET /history/{user}.
func parseHistory(user, raw string) (presence.SessionQuery, error) {
	q := presence.SessionQuery{User: user, Limit: defaultLimit}
	if err := events.ValidateUser(user); err != nil {
		return q, fmt.Errorf("user %.130q: %w", user, err)
	}
	err := parameters{
		"limit": limit(&q.Limit), "from": moment(&q.From), "to": moment(&q.To),
		"after": once(func(text string) error { q.After = text; return nil }),
	}.read(raw)
	if err == nil && !q.To.IsZero() && !q.From.Before(q.To) {
		err = errors.New("from is not before to")
	}
	return q, err
}

// parseLastSeen reads the query of GET /last-seen.
func parseLastSeen(raw string) (asked []string, err error) {
	err = parameters{"user": users(&asked)}.read(raw)
	if err == nil && len(asked) == 0 {
		err = errors.New("no user is asked for: give user=NAME, as often as you like")
	}
	return asked, err
}

// now, as the cursor of GET /events, is after everything that is in the log.
const now = "now"

// eventQuery is the query of GET /events.
type eventQuery struct {
	after   presence.Cursor
	fromNow bool
	limit   int
	follow  bool
}

func parseEvents(raw string) (eventQuery, error) {
	q := eventQuery{}
	err := parameters{
		"limit": limit(&q.limit),
		"after": once(func(text string) (err error) {
			if q.fromNow = text == now; q.fromNow {
				return nil
			}
			if q.after, err = presence.ParseCursor(text); err != nil {
				return fmt.Errorf("%w, or now", errNoNext)
			}
			return nil
		}),
		"follow": flag(&q.follow),
	}.read(raw)
	switch {
	case err != nil:
	case q.follow && q.limit > 0:
		err = errors.New("limit is of a page, and follow has no end: give one of them")
	case q.limit == 0:
		q.limit = defaultLimit
	}
	return q, err
}
