// Package mint makes JSON Web Tokens for development and tests, as an identity provider
// would. It is pure but for the randomness of signatures, and its values are immutable.
package mint

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// MinSecret is the least bytes of a secret that a server accepts.
const MinSecret = 32

// Key is what tokens are signed with. Make it with Secret or PrivateKey.
type Key struct {
	method   jwt.SigningMethod
	material any
}

// Secret returns the key for HS256 that a secret is.
func Secret(secret string) (Key, error) {
	if len(secret) < MinSecret {
		return Key{}, fmt.Errorf("the secret has %d bytes: want at least %d", len(secret), MinSecret)
	}
	return Key{jwt.SigningMethodHS256, []byte(secret)}, nil
}

// PrivateKey returns the key of a text in PEM that has one private key: RSA, for RS256;
// ECDSA, for ES256, ES384 or ES512; or Ed25519, for EdDSA.
func PrivateKey(text []byte) (Key, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return Key{}, errors.New("this is no PEM: want -----BEGIN PRIVATE KEY-----")
	}
	private, err := parsePrivate(block)
	if err != nil {
		return Key{}, err
	}
	switch k := private.(type) {
	case *rsa.PrivateKey:
		return Key{jwt.SigningMethodRS256, k}, nil
	case ed25519.PrivateKey:
		return Key{jwt.SigningMethodEdDSA, k}, nil
	case *ecdsa.PrivateKey:
		if m := methodOf(k.Curve); m != nil {
			return Key{m, k}, nil
		}
	}
	return Key{}, errors.New("no token can be signed with this key: want RSA, ECDSA on P-256, P-384 or P-521, or Ed25519")
}

func parsePrivate(block *pem.Block) (crypto.PrivateKey, error) {
	switch block.Type {
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	}
	return nil, fmt.Errorf("this is a %q: want a PRIVATE KEY that is not encrypted", block.Type)
}

func methodOf(c elliptic.Curve) jwt.SigningMethod {
	switch c {
	case elliptic.P256():
		return jwt.SigningMethodES256
	case elliptic.P384():
		return jwt.SigningMethodES384
	case elliptic.P521():
		return jwt.SigningMethodES512
	}
	return nil
}

// Claims are what a token says. Fields that are empty are left out of it.
type Claims struct {
	User     string // sub
	Audience string // aud
	Issuer   string // iss
	KeyID    string // kid, of its header
	SeesAll  bool   // presence: {"who":"all"}
	From     time.Time
	Until    time.Time // iat and exp, in whole seconds
}

// Sign returns a token.
func Sign(k Key, c Claims) (string, error) {
	claims := jwt.MapClaims{"sub": c.User, "iat": c.From.Unix(), "exp": c.Until.Unix()}
	if c.Audience != "" {
		claims["aud"] = c.Audience
	}
	if c.Issuer != "" {
		claims["iss"] = c.Issuer
	}
	if c.SeesAll {
		claims["presence"] = map[string]string{"who": "all"}
	}
	token := jwt.NewWithClaims(k.method, claims)
	if c.KeyID != "" {
		token.Header["kid"] = c.KeyID
	}
	return token.SignedString(k.material)
}
