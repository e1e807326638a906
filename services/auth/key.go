package auth

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
	"slices"
	"strings"
)

// The bounds of keys.
const (
	MinSecret  = 32   // bytes of a secret: RFC 7518, section 3.2
	minRSABits = 2048 // RFC 7518, section 3.3
	maxRSABits = 8192 // a signature takes the longer to verify the longer the key
)

// The algorithms that keys are for, by their names in RFC 7518 and RFC 8037.
var (
	secretAlgorithms = []string{"HS256"}
	rsaAlgorithms    = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	edAlgorithms     = []string{"EdDSA"}
)

// Keys are the keys that tokens may be signed with: OneKey or *KeySet.
type Keys interface {
	// find returns the key with an id, "" if the token names none. It does not block.
	find(id string) (key, error)
}

// key is what one signature can be verified with.
type key struct {
	material   any      // as package jwt takes it
	algorithms []string // that it may be used with, and no other
}

func (k key) allows(algorithm string) bool { return slices.Contains(k.algorithms, algorithm) }

// OneKey is a key that all tokens are signed with, whatever key they name.
type OneKey struct{ key key }

var _ Keys = OneKey{}

func (o OneKey) find(string) (key, error) { return o.key, nil }

// Algorithms are those that the key is for.
func (o OneKey) Algorithms() []string { return o.key.algorithms }

// Secret returns the key for HS256 that a secret is.
func Secret(secret string) (OneKey, error) {
	switch {
	case len(secret) < MinSecret:
		return OneKey{}, fmt.Errorf("the secret has %d bytes: want at least %d, random ones", len(secret), MinSecret)
	case strings.Contains(secret, "-----BEGIN "):
		return OneKey{}, errors.New("the secret is a key in PEM, which is no secret to all who have its public part: set AUTH_PUBLIC_KEY_FILE (--auth-public-key-file)")
	}
	return OneKey{key{material: []byte(secret), algorithms: secretAlgorithms}}, nil
}

// PublicKey returns the key of a text in PEM that has one public key, or a certificate:
// RSA, ECDSA or Ed25519.
func PublicKey(text []byte) (OneKey, error) {
	block, rest := pem.Decode(text)
	if block == nil {
		return OneKey{}, errors.New("this is no PEM: want -----BEGIN PUBLIC KEY-----")
	}
	if next, _ := pem.Decode(rest); next != nil {
		return OneKey{}, errors.New("there is more than one key: give one, or a JWKS (AUTH_JWKS, --auth-jwks)")
	}
	public, err := parsePublic(block)
	if err != nil {
		return OneKey{}, err
	}
	k, err := newKey(public, "")
	return OneKey{k}, err
}

func parsePublic(block *pem.Block) (crypto.PublicKey, error) {
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return cert.PublicKey, nil
	}
	if strings.HasSuffix(block.Type, "PRIVATE KEY") {
		return nil, errors.New("this is a private key, which the server must not have: give it the public one (openssl pkey -in FILE -pubout)")
	}
	return nil, fmt.Errorf("this is a %q: want a PUBLIC KEY", block.Type)
}

// newKey returns a key for a public key, narrowed to one algorithm unless that is "".
func newKey(public crypto.PublicKey, only string) (key, error) {
	k := key{material: public}
	switch p := public.(type) {
	case *rsa.PublicKey:
		if bits := p.N.BitLen(); bits < minRSABits || bits > maxRSABits || p.E < 3 {
			return key{}, fmt.Errorf("the RSA key has %d bits and the exponent %d: want %d to %d bits and at least 3", bits, p.E, minRSABits, maxRSABits)
		}
		k.algorithms = rsaAlgorithms
	case *ecdsa.PublicKey:
		k.algorithms = curveAlgorithms(p.Curve)
	case ed25519.PublicKey:
		k.algorithms = edAlgorithms
	}
	if k.algorithms == nil {
		return key{}, fmt.Errorf("a key of type %T is for no algorithm that is known: want RSA, ECDSA on P-256, P-384 or P-521, or Ed25519", public)
	}
	if only != "" {
		if !k.allows(only) {
			return key{}, fmt.Errorf("the key is for %s, and said to be for %s", strings.Join(k.algorithms, ", "), only)
		}
		k.algorithms = []string{only}
	}
	return k, nil
}

// curveAlgorithms are those for a curve: ECDSA ties the two, RFC 7518, section 3.4.
func curveAlgorithms(c elliptic.Curve) []string {
	switch c {
	case elliptic.P256():
		return []string{"ES256"}
	case elliptic.P384():
		return []string{"ES384"}
	case elliptic.P521():
		return []string{"ES512"}
	}
	return nil
}
