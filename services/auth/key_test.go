package auth_test

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/services/auth"
)

func TestSecret(t *testing.T) {
	k, err := auth.Secret(strings.Repeat("x", auth.MinSecret))
	if err != nil || !slices.Equal(k.Algorithms(), []string{"HS256"}) {
		t.Errorf("%v, %v", k.Algorithms(), err)
	}
	for secret, says := range map[string]string{
		"":                                    "0 bytes",
		strings.Repeat("x", auth.MinSecret-1): "at least 32",
		string(publicPEM(rsaKey())):           "AUTH_PUBLIC_KEY_FILE",
	} {
		if _, err := auth.Secret(secret); err == nil || !strings.Contains(err.Error(), says) || secret != "" && strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v, want %q", secret, err, says)
		}
	}
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// certificate is one for a key, signed by itself.
func certificate(key *ecdsa.PrivateKey) []byte {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	return must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
}

func TestPublicKey(t *testing.T) {
	p256, p384, p224 := ecKey(elliptic.P256()), ecKey(elliptic.P384()), ecKey(elliptic.P224())
	pkix := func(public any) string { return block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(public))) }
	own := pkix(&p256.PublicKey)
	for _, c := range []struct{ name, text, algorithms, says string }{
		{"RSA", pkix(&rsaKey().PublicKey), "RS256 RS384 RS512 PS256 PS384 PS512", ""},
		{"RSA of PKCS #1", block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)), "RS256 RS384 RS512 PS256 PS384 PS512", ""},
		{"ECDSA", own, "ES256", ""},
		{"ECDSA on P-384", pkix(&p384.PublicKey), "ES384", ""},
		{"a certificate", block("CERTIFICATE", certificate(p256)), "ES256", ""},
		{"text around it", "Bag Attributes\n" + own + "\n\n", "ES256", ""},

		{"nothing", "", "", "no PEM"},
		{"a secret", secret, "", "no PEM"},
		{"two keys", own + own, "", "more than one key"},
		{"a private key", block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(p256))), "", "private key"},
		{"a private key of RSA", block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey())), "", "private key"},
		{"an encrypted private key", block("ENCRYPTED PRIVATE KEY", []byte("x")), "", "private key"},
		{"something else", block("DH PARAMETERS", []byte("x")), "", `"DH PARAMETERS"`},
		{"not a key", block("PUBLIC KEY", []byte("x")), "", "asn1"},
		{"not a certificate", block("CERTIFICATE", []byte("x")), "", "x509"},
		{"a small curve", pkix(&p224.PublicKey), "", "P-256"},
		{"a key for exchange", pkix(must(ecdh.X25519().GenerateKey(rand.Reader)).PublicKey()), "", "ecdh"},
		{"a short RSA key", pkix(&rsa.PublicKey{N: new(big.Int).Rsh(rsaKey().N, 1), E: 65537}), "", "2047 bits"},
		{"an RSA key of exponent 1", pkix(&rsa.PublicKey{N: rsaKey().N, E: 1}), "", ""},
	} {
		k, err := auth.PublicKey([]byte(c.text))
		switch got := strings.Join(k.Algorithms(), " "); {
		case c.algorithms != "" && (err != nil || got != c.algorithms):
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.algorithms)
		case c.algorithms == "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: got %v, want %q", c.name, err, c.says)
		}
	}
}
