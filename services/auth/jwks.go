package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/MicahParks/jwkset"
)

// parseSet reads a JWK set (RFC 7517, section 5): its public keys that signatures can
// be verified with, by their ids. A key of another kind or use is left out, as section
// 5 wants it; that none is left is an error. A key that is a secret is left out too:
// where a set is published it would be none.
func parseSet(text []byte) (map[string]key, error) {
	var set struct {
		Keys []jwkset.JWKMarshal `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, errors.New("this is no JWK set: want {\"keys\":[…]}")
	}
	keys := make(map[string]key, len(set.Keys))
	var why error // the last key that was left out was
	for _, m := range set.Keys {
		k, err := parseKey(m)
		if err != nil {
			why = err
			continue
		}
		if _, twice := keys[m.KID]; twice {
			return nil, fmt.Errorf("two keys have the id (kid) %q", m.KID)
		}
		keys[m.KID] = k
	}
	if len(keys) == 0 {
		return nil, errors.Join(fmt.Errorf("none of its %d keys can verify tokens", len(set.Keys)), why)
	}
	return keys, nil
}

// parseKey reads one key of a set. Only its numbers are taken: neither a private part,
// nor certificates, nor addresses to fetch them from.
func parseKey(m jwkset.JWKMarshal) (key, error) {
	if m.USE != "" && m.USE != jwkset.UseSig {
		return key{}, fmt.Errorf("a key is for use %q", m.USE)
	}
	if len(m.KEYOPS) > 0 && !slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify) {
		return key{}, fmt.Errorf("a key is for %q", m.KEYOPS)
	}
	bare := jwkset.JWKMarshal{KTY: m.KTY, CRV: m.CRV, X: m.X, Y: m.Y, N: m.N, E: m.E}
	jwk, err := jwkset.NewJWKFromMarshal(bare, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return key{}, fmt.Errorf("a key cannot be read: %w", err)
	}
	return newKey(jwk.Key(), string(m.ALG))
}
