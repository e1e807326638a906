package auth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/auth"
)

func anonymous(target string) (auth.Identity, error) {
	return auth.Anonymous{}.Identify(auth.Credentials{Target: target})
}

func TestAnonymous_Identify(t *testing.T) {
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
		if got, err := anonymous(target); got.User != want || err != nil || got.Proven() || got.SeesAll {
			t.Errorf("%s: got %+v, %v; want %q", target, got, err, want)
		}
	}
}

func TestAnonymous_Identify_Refuses(t *testing.T) {
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
		if got, err := anonymous(target); !errors.Is(err, want) {
			t.Errorf("%s: got %+v, %v; want %v", target, got, err, want)
		}
	}
}

// Without authentication a token means nothing, neither at the door nor later.
func TestAnonymous_Tokens(t *testing.T) {
	c := auth.Credentials{Target: "/?user=ana", Authorization: [][]byte{[]byte("Bearer x")}, Protocols: [][]byte{[]byte("bearer.y")}}
	if got, err := (auth.Anonymous{}).Identify(c); got.User != "ana" || err != nil || got.Proven() {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := (auth.Anonymous{}).Renew("ana", []byte("x")); !errors.Is(err, auth.ErrNoTokens) {
		t.Errorf("renewed: %v", err)
	}
}
