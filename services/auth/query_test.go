package auth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/auth"
)

func TestFromQuery(t *testing.T) {
	long := strings.Repeat("x", events.MaxUser)
	for target, want := range map[string]string{
		"/?user=42":                         "42",
		"/ws?user=42":                       "42",
		"/ws?a=b&user=ana%20maria":          "ana maria",
		"/?user=%C3%A9":                     "é",
		"/?user={\"$gt\":\"\"}":             `{"$gt":""}`,
		"/?user=" + long:                    long,
		"http://host.example/ws?user=proxy": "proxy", // absolute form, RFC 9112 section 3.2.2
	} {
		if got, err := auth.FromQuery(target); got != want || err != nil {
			t.Errorf("%s: got %q, %v; want %q", target, got, err, want)
		}
	}
}

func TestFromQuery_Refuses(t *testing.T) {
	for target, want := range map[string]error{
		"":                      auth.ErrNotHere,
		"ws?user=42":            auth.ErrNotHere,
		"/other?user=42":        auth.ErrNotHere,
		"/ws/?user=42":          auth.ErrNotHere,
		"/":                     auth.ErrNoUser,
		"/ws?":                  auth.ErrNoUser,
		"/?user":                auth.ErrNoUser,
		"/?user=":               auth.ErrNoUser,
		"/?User=42":             auth.ErrNoUser,
		"/?user=a&user=b":       auth.ErrNoUser,
		"/?user=%zz":            auth.ErrNoUser,
		"/?user=a;user=b":       auth.ErrNoUser,
		"/?user=%00":            events.ErrInvalidUser,
		"/?user=%20a":           events.ErrInvalidUser,
		"/?user=%ff":            events.ErrInvalidUser,
		"/?user=a%E2%80%AEb":    events.ErrInvalidUser, // right-to-left override
		"/?user=a%0d%0aSet:%20": events.ErrInvalidUser,
		"/?user=" + strings.Repeat("x", events.MaxUser+1): events.ErrInvalidUser,
	} {
		if got, err := auth.FromQuery(target); !errors.Is(err, want) {
			t.Errorf("%s: got %q, %v; want %v", target, got, err, want)
		}
	}
}
