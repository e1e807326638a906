package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The length of a key, in bytes, as Standard Webhooks has it.
const (
	minKey = 24
	maxKey = 64
)

// secretPrefix stands before the text of a secret, if anything does.
const secretPrefix = "whsec_"

// Secret is the key that deliveries are signed with. It does not show itself.
type Secret struct{ key []byte }

// ParseSecret reads a secret as receivers' libraries do: base64 of 24 to 64 bytes, perhaps
// behind "whsec_". The error does not have it.
func ParseSecret(text string) (Secret, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, secretPrefix))
	if err != nil {
		return Secret{}, errors.New("it is not base64: make one with `echo whsec_$(openssl rand -base64 32)`")
	}
	if len(key) < minKey || len(key) > maxKey {
		return Secret{}, fmt.Errorf("it is the base64 of %d bytes, want %d to %d: make one with `echo whsec_$(openssl rand -base64 32)`", len(key), minKey, maxKey)
	}
	return Secret{key}, nil
}

// String is not the secret.
func (Secret) String() string { return "secret" }

// GoString is not the secret either.
func (Secret) GoString() string { return "webhook.Secret" }

func (s Secret) mac(parts ...string) []byte {
	h := hmac.New(sha256.New, s.key)
	_, _ = h.Write([]byte(strings.Join(parts, "."))) // a hash takes everything
	return h.Sum(nil)
}

// sign is the signature of a body that is posted at a time, by Standard Webhooks: of its
// id, the time in seconds, and the body.
func (s Secret) sign(id string, at time.Time, body string) string {
	return "v1," + base64.StdEncoding.EncodeToString(s.mac(id, strconv.FormatInt(at.Unix(), 10), body))
}

// target stands for a receiver in the store. Nobody who reads it there learns the address,
// which may hold secrets.
func (s Secret) target(address *url.URL) string {
	return hex.EncodeToString(s.mac("target", address.String())[:16])
}

// ParseURL reads the address of a receiver. The error does not have it, since it may hold
// secrets.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch wrong, is := errors.AsType[*url.Error](err); {
	case is:
		return nil, wrong.Err
	case err != nil:
		return nil, err
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return nil, errors.New("want an address with https:// and a host")
	}
	return u, nil
}

// Plain reports whether everybody between here and the receiver can read along.
func Plain(address *url.URL) bool {
	ip := net.ParseIP(address.Hostname())
	return address.Scheme == "http" && address.Hostname() != "localhost" && !ip.IsLoopback()
}
