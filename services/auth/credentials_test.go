package auth_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/presenced/presence/services/auth"
)

func lines(s ...string) (b [][]byte) {
	for _, l := range s {
		b = append(b, []byte(l))
	}
	return b
}

func TestCredentials_WhereATokenMayStand(t *testing.T) {
	token := sign(jwt.SigningMethodHS256, []byte(secret), nil)
	for _, c := range []struct {
		name                     string
		authorization, protocols []string
		want                     error
	}{
		{"Authorization", []string{"Bearer " + token}, nil, nil},
		{"in any case, with spaces", []string{" \tbEARER   " + token + "  "}, nil, nil},
		{"Authorization, and the subprotocol without a token", []string{"Bearer " + token}, []string{"presence.v1"}, nil},
		{"subprotocol", nil, []string{"presence.v1", "bearer." + token}, nil},
		{"subprotocol, the other way round", nil, []string{"bearer." + token, "x", "presence.v1"}, nil},
		{"a proxy's password beside", []string{"Basic dTpw"}, []string{"presence.v1", "bearer." + token}, nil},

		{"nothing", nil, nil, auth.ErrNoToken},
		{"only the subprotocol", nil, []string{"presence.v1"}, auth.ErrNoToken},
		{"another scheme", []string{"Basic " + token}, nil, auth.ErrNoToken},
		{"no scheme", []string{token}, nil, auth.ErrNoToken},
		{"empty field", []string{""}, nil, auth.ErrNoToken},
		{"the scheme alone", []string{"Bearer"}, nil, auth.ErrToken},
		{"an empty subprotocol token", nil, []string{"presence.v1", "bearer."}, auth.ErrToken},
		{"two words", []string{"Bearer " + token + " " + token}, nil, auth.ErrToken},
		{"two Authorization fields", []string{"Bearer " + token, "Bearer " + token}, nil, auth.ErrBadRequest},
		{"two fields, one of another scheme", []string{"Basic dTpw", "Bearer " + token}, nil, auth.ErrBadRequest},
		{"both", []string{"Bearer " + token}, []string{"presence.v1", "bearer." + token}, auth.ErrBadRequest},
		{"both, one of them empty", []string{"Bearer"}, []string{"presence.v1", "bearer." + token}, auth.ErrBadRequest},
		{"two subprotocol tokens", nil, []string{"presence.v1", "bearer." + token, "bearer." + token}, auth.ErrBadRequest},
		{"nothing to select", nil, []string{"bearer." + token}, auth.ErrBadRequest},
	} {
		got, err := bySecret(t).Identify(auth.Credentials{Target: "/", Authorization: lines(c.authorization...), Protocols: lines(c.protocols...)})
		if !errors.Is(err, c.want) || (err == nil) != (got.User == "ana") {
			t.Errorf("%s: got %+v, %v; want %v", c.name, got, err, c.want)
		}
		if err != nil {
			silent(t, err, token)
		}
	}
}

// Whatever a request says: a client is let in only with the token, standing alone in
// one of the two places, and a refusal says why without repeating it.
func FuzzTokens_Identify(f *testing.F) {
	// Each process that fuzzes makes this token, and the inputs of earlier runs are kept:
	// it is the same whatever the time is, and the only one of its key.
	const secret = "fedcba9876543210fedcba9876543210"
	token := sign(jwt.SigningMethodHS256, []byte(secret), jwt.MapClaims{"exp": 4102444800}) // in 2100
	f.Add("/ws?user=ana", "Bearer "+token, "presence.v1")
	f.Add("/ws", "", "presence.v1, bearer."+token)
	f.Add("/ws?token="+token, "bearer x", "bearer.a,bearer.b")
	f.Add("/ws", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbmEifQ.", ",")
	tokens := auth.NewTokens(auth.TokenConfig{Keys: must(auth.Secret(secret))})
	f.Fuzz(func(t *testing.T, target, authorization, protocols string) {
		c := auth.Credentials{Target: target}
		if authorization != "" {
			c.Authorization = lines(authorization)
		}
		for p := range strings.SplitSeq(protocols, ",") {
			c.Protocols = append(c.Protocols, bytes.TrimSpace([]byte(p)))
		}
		got, err := tokens.Identify(c)
		if err == nil {
			if n := strings.Count(authorization, token) + strings.Count(protocols, token); n != 1 || got.User != "ana" {
				t.Fatalf("let in as %+v", got)
			}
			return
		}
		silent(t, err, token)
	})
}
