package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/presenced/presence/clientctl/mint"
	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/envflag"
	"github.com/spf13/cobra"
)

// tokenFlags are the settings of `clientctl token`.
type tokenFlags struct {
	secretFile string
	keyFile    string
	ttl        time.Duration
	who        string
	claims     mint.Claims
}

func newToken(p process) *cobra.Command {
	var f tokenFlags
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make a token for development",
		Long: `Make a JSON Web Token of a user, signed with a secret or with a private key, and
print it. It is for development and for tests: who can make tokens can be any user, so
where people log in, their identity provider makes them.

The server verifies it with AUTH=jwt and AUTH_SECRET_FILE (the same file), or
AUTH_PUBLIC_KEY_FILE (the public part of the key).`,
		Example: `  clientctl token --user ana --ttl 1h --secret-file secret > ana.token
  clientctl token --user ana --key-file key.pem --audience presence --who all
  TOKEN_FILE=ana.token clientctl connect`,
		Args: noArgs,
		RunE: func(_ *cobra.Command, _ []string) error { return makeToken(f, p) },
	}
	fs := cmd.Flags()
	fs.StringVarP(&f.claims.User, "user", "u", "", "the user `ID` that the token is of (sub)")
	fs.DurationVar(&f.ttl, "ttl", time.Hour, "how long the token is good (exp)")
	fs.StringVar(&f.secretFile, "secret-file", "", "sign by HS256 with the secret in this `FILE`")
	fs.StringVar(&f.keyFile, "key-file", "", "or: sign with the private key in this `FILE`, in PEM: RSA, ECDSA or Ed25519")
	fs.StringVar(&f.claims.KeyID, "key-id", "", "the key's `ID` in the JWK set (kid)")
	fs.StringVar(&f.claims.Audience, "audience", "", "the `NAME` of who the token is for (aud)")
	fs.StringVar(&f.claims.Issuer, "issuer", "", "the `NAME` of who made it (iss)")
	fs.StringVar(&f.who, "who", "listed", "about whom its user may ask: all, or those that are listed")
	variables(fs, "user")
	return cmd
}

func makeToken(f tokenFlags, p process) error {
	if err := oneOf("who", f.who, "listed", "all"); err != nil {
		return err
	}
	if f.ttl < time.Second {
		return usage(fmt.Errorf("--ttl %s: want at least 1s", f.ttl))
	}
	if err := events.ValidateUser(f.claims.User); err != nil {
		return usage(fmt.Errorf("--user (or USER) %q: %w", f.claims.User, err))
	}
	key, err := f.key()
	if err != nil {
		return usage(err)
	}
	now := p.now()
	f.claims.From, f.claims.Until, f.claims.SeesAll = now, now.Add(f.ttl), f.who == "all"
	token, err := mint.Sign(key, f.claims)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.out, token)
	return err
}

func (f tokenFlags) key() (mint.Key, error) {
	switch {
	case (f.secretFile == "") == (f.keyFile == ""):
		return mint.Key{}, errors.New("what is the token to be signed with? Give one of --secret-file and --key-file")
	case f.secretFile != "":
		secret, err := envflag.ReadSecret(f.secretFile)
		if err != nil {
			return mint.Key{}, fmt.Errorf("--secret-file: %w", err)
		}
		key, err := mint.Secret(secret)
		return key, named("--secret-file", err)
	}
	text, err := os.ReadFile(f.keyFile)
	if err != nil {
		return mint.Key{}, fmt.Errorf("--key-file: %w", err)
	}
	key, err := mint.PrivateKey(text)
	return key, named("--key-file", err)
}

// named says which flag an error is about, if there is one.
func named(flag string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", flag, err)
}
