package mint_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/presenced/presence/clientctl/mint"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs8(key crypto.PrivateKey) string {
	return block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key)))
}

// Every kind of key makes tokens that its other half verifies.
func TestSign(t *testing.T) {
	secret := strings.Repeat("s", mint.MinSecret)
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	ec := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	ec521 := must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	byPEM := func(text string) mint.Key { return must(mint.PrivateKey([]byte(text))) }
	for _, c := range []struct {
		name, algorithm string
		key             mint.Key
		verify          any
	}{
		{"secret", "HS256", must(mint.Secret(secret)), []byte(secret)},
		{"RSA", "RS256", byPEM(pkcs8(rsaKey)), &rsaKey.PublicKey},
		{"RSA of PKCS #1", "RS256", byPEM(block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey))), &rsaKey.PublicKey},
		{"ECDSA", "ES256", byPEM(pkcs8(ec)), &ec.PublicKey},
		{"ECDSA of SEC 1", "ES512", byPEM(block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ec521)))), &ec521.PublicKey},
		{"Ed25519", "EdDSA", byPEM(pkcs8(ed)), ed.Public()},
	} {
		now := time.Now()
		text, err := mint.Sign(c.key, mint.Claims{
			User: "ana", Audience: "presence", Issuer: "idp", KeyID: "k1", SeesAll: true, From: now, Until: now.Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		token, err := jwt.Parse(text, func(*jwt.Token) (any, error) { return c.verify, nil },
			jwt.WithValidMethods([]string{c.algorithm}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(time.Second),
			jwt.WithSubject("ana"), jwt.WithAudience("presence"), jwt.WithIssuer("idp"))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		claims, _ := token.Claims.(jwt.MapClaims)
		presence, _ := claims["presence"].(map[string]any)
		if token.Header["kid"] != "k1" || presence["who"] != "all" {
			t.Errorf("%s: header %v, claims %v", c.name, token.Header, claims)
		}
	}
}

// What is not asked for is not in the token.
func TestSign_Bare(t *testing.T) {
	key := must(mint.Secret(strings.Repeat("s", mint.MinSecret)))
	text := must(mint.Sign(key, mint.Claims{User: "ana", From: time.Unix(1, 0), Until: time.Unix(2, 0)}))
	claims := jwt.MapClaims{}
	token, _, err := jwt.NewParser().ParseUnverified(text, claims)
	if err != nil || len(claims) != 3 || len(token.Header) != 2 {
		t.Errorf("header %v, claims %v, %v", token.Header, claims, err)
	}
}

func TestKeys_Refuse(t *testing.T) {
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	if _, err := mint.Secret(strings.Repeat("s", mint.MinSecret-1)); err == nil || !strings.Contains(err.Error(), "at least 32") {
		t.Errorf("a short secret: %v", err)
	}
	for text, says := range map[string]string{
		"":                                          "no PEM",
		pkcs8(p224):                                 "P-256",
		block("PUBLIC KEY", []byte("x")):            `"PUBLIC KEY"`,
		block("PRIVATE KEY", []byte("x")):           "asn1",
		block("EC PRIVATE KEY", []byte("x")):        "",
		block("RSA PRIVATE KEY", []byte("x")):       "",
		block("ENCRYPTED PRIVATE KEY", []byte("x")): "not encrypted",
	} {
		if _, err := mint.PrivateKey([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}
