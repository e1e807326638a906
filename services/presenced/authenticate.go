package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"github.com/presenced/presence/services/auth"
	"github.com/presenced/presence/services/envflag"
)

// The ways to find out who a client is.
const (
	authNone = "none"
	authJWT  = "jwt"
)

// authConfig is how clients prove who they are.
type authConfig struct {
	kind      string // none or jwt; default none
	secret    string // of HS256, at least 32 bytes
	publicKey string // path of a public key in PEM
	jwks      string // path or address of a JWK set
	audience  string // that tokens must be for; default: any
	issuer    string // that tokens must be by; default: any

	key auth.OneKey // set by validate, unless the keys are a set
}

func (c *authConfig) flags(fs *pflag.FlagSet) {
	fs.StringVar(&c.kind, "auth", authNone, "how clients prove who they are: none (they just say so) or jwt (a JSON Web Token)")
	fs.StringVar(&c.secret, "auth-secret", "", "`secret` that tokens are signed with by HS256, at least 32 bytes")
	fs.StringVar(&c.publicKey, "auth-public-key-file", "", "`file` with the public key in PEM that tokens are verified with: RSA, ECDSA or Ed25519")
	fs.StringVar(&c.jwks, "auth-jwks", "", "`file` or https:// address of the JWK set that tokens are verified with")
	fs.StringVar(&c.audience, "auth-audience", "", "`name` that a token's aud must have (default any)")
	fs.StringVar(&c.issuer, "auth-issuer", "", "`name` that a token's iss must be (default any)")
	envflag.Secret(fs, "auth-secret")
}

// validate also reads the key, unless the keys are a set.
func (c *authConfig) validate() error {
	switch c.kind {
	case authNone:
		if c.secret+c.publicKey+c.jwks+c.audience+c.issuer != "" {
			return errors.New("AUTH (--auth) is none, and other settings begin with AUTH_: set AUTH=jwt, or none of them")
		}
		return nil
	case authJWT:
	default:
		return fmt.Errorf("AUTH (--auth) is %q: want none or jwt", c.kind)
	}
	given := 0
	for _, setting := range []string{c.secret, c.publicKey, c.jwks} {
		if setting != "" {
			given++
		}
	}
	if given != 1 {
		return fmt.Errorf("AUTH (--auth) is jwt, and %d of AUTH_SECRET (--auth-secret), AUTH_PUBLIC_KEY_FILE (--auth-public-key-file) "+
			"and AUTH_JWKS (--auth-jwks) are set: set one of them", given)
	}
	return c.readKey()
}

func (c *authConfig) readKey() (err error) {
	switch {
	case c.secret != "":
		if c.key, err = auth.Secret(c.secret); err != nil {
			return fmt.Errorf("AUTH_SECRET (--auth-secret): %w", err)
		}
	case c.publicKey != "":
		text, err := os.ReadFile(c.publicKey)
		if err == nil {
			c.key, err = auth.PublicKey(text)
		}
		if err != nil {
			return fmt.Errorf("AUTH_PUBLIC_KEY_FILE (--auth-public-key-file): %w", err)
		}
	}
	return nil
}

// open returns what judges clients, and what keeps its keys fresh until its context
// ends. It says in the log which authentication there is.
func (c *authConfig) open(ctx context.Context, log *zap.Logger) (auth.Authenticator, func(context.Context), error) {
	nothing := func(context.Context) {}
	if c.kind == authNone {
		log.Warn("users are not authenticated: each client is who it says it is")
		return auth.Anonymous{}, nothing, nil
	}
	fields := []zap.Field{zap.String("audience", c.audience), zap.String("issuer", c.issuer)}
	tokens := auth.TokenConfig{Keys: c.key, Audience: c.audience, Issuer: c.issuer}
	run := nothing
	if c.jwks == "" {
		fields = append(fields, zap.Strings("algorithms", c.key.Algorithms()))
	} else {
		set, err := auth.OpenKeySet(ctx, c.jwks, log)
		if err != nil {
			return nil, nil, fmt.Errorf("AUTH_JWKS (--auth-jwks): %w", err)
		}
		tokens.Keys, run = set, set.Run
		fields = append(fields, zap.Int("keys", set.Len()))
	}
	log.Info("users are authenticated by JSON Web Tokens", fields...)
	if c.secret == "" && c.audience == "" {
		log.Warn("AUTH_AUDIENCE is not set: tokens that the issuer made for other services are accepted too")
	}
	if auth.Plain(c.jwks) {
		log.Warn("AUTH_JWKS is an http:// address: who is between can make tokens of any user")
	}
	return auth.NewTokens(tokens), run, nil
}
