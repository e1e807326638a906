package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/presenced/presence/clientctl/wire"
	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/envflag"
	"github.com/spf13/pflag"
)

// target is where to connect, and as whom: the flags that all commands on a WebSocket
// have.
type target struct{ user, token, ws, ca string }

func (t *target) addFlags(fs *pflag.FlagSet) {
	fs.StringVarP(&t.user, "user", "u", "", "connect as this user `ID`")
	fs.StringVar(&t.token, "token", "", "connect as the user of this `TOKEN`; then --user may be left out")
	envflag.Secret(fs, "token")
	fs.StringVar(&t.ws, "ws", "ws://localhost:8080", "the server's `ADDRESS`: ws:// or wss://, host, port, and path")
	fs.StringVar(&t.ca, "ca", "", "`FILE` of certificates to trust with wss://, besides the system's")
}

// dial returns how to connect, or a usage error.
func (t *target) dial() (wire.Options, error) {
	o := wire.Options{Agent: agent(), Token: t.token}
	var err error
	o.Roots, err = roots(t.ca)
	return o, err
}

// roots returns the certificates of a file, besides the system's, or a usage error; nil:
// there is no file, and the system's are enough.
func roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, usage(fmt.Errorf("--ca (or CA): %w", err))
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a system without any
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, usage(fmt.Errorf("--ca (or CA) %s: has no certificate in PEM", file))
	}
	return pool, nil
}

// tokenVariables are where a token can come from, for messages.
const tokenVariables = "--token, TOKEN or TOKEN_FILE"

// address returns the WebSocket address with the user, if there is one, in its query, or
// a usage error.
func (t *target) address() (string, error) {
	if t.user == "" && t.token == "" {
		return "", usage(errors.New("who are you? Give a user id with --user, or set USER"))
	}
	if strings.Trim(t.token, tokenCharacters) != "" {
		return "", usage(errors.New(tokenVariables + ": this is no token: it has characters that no token has"))
	}
	if t.user != "" {
		if err := events.ValidateUser(t.user); err != nil {
			return "", usage(fmt.Errorf("--user (or USER) %q: %w", t.user, err))
		}
	}
	u, err := parseAddress(t.ws, "--ws (or WS)", "ws", "wss")
	if err != nil {
		return "", err
	}
	if u.Query().Has("user") {
		return "", usage(fmt.Errorf("--ws (or WS) %q has a user: leave it to --user or USER", t.ws))
	}
	if t.user == "" {
		return u.String(), nil
	}
	u.RawQuery = strings.TrimPrefix(u.RawQuery+"&user="+url.QueryEscape(t.user), "&")
	return u.String(), nil
}

// tokenCharacters are those of a token: base64 for addresses, and dots.
const tokenCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

// tokenOverUser drops a user that the variable USER has set if there is a token: a token
// says who the user is, and USER is set by every login.
func tokenOverUser(fs *pflag.FlagSet, userGiven bool) {
	user, token := fs.Lookup("user"), fs.Lookup("token")
	if !userGiven && user != nil && token != nil && token.Value.String() != "" {
		_ = user.Value.Set("") // a text takes every text
	}
}

// likelyAddress is an address with the scheme that it should have, if that is all that is
// wrong with it.
func likelyAddress(s string, schemes []string) []string {
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		scheme, rest = "", s
	}
	should := schemes[0]
	switch scheme {
	case "https", "wss":
		should = schemes[1]
	case "http", "ws", "":
	default:
		return nil
	}
	u, err := url.Parse(should + "://" + rest)
	if err != nil || u.Hostname() == "" || u.User != nil || should == scheme {
		return nil
	}
	return []string{u.String()}
}

// parseAddress parses a URL with a host and one of two schemes. setting names where
// it was given.
func parseAddress(s, setting string, schemes ...string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Hostname() == "" || (u.Scheme != schemes[0] && u.Scheme != schemes[1]) {
		what := fmt.Sprintf("%s %q: want %s://HOST:PORT or %s://HOST:PORT", setting, s, schemes[0], schemes[1])
		return nil, usage(errors.New(didYouMean(what, likelyAddress(s, schemes))))
	}
	if u.User != nil || u.Fragment != "" {
		return nil, usage(fmt.Errorf("%s: an address has no password and no fragment (#) here", setting))
	}
	return u, nil
}
