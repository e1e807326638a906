package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/auth"
)

const secret = "0123456789abcdef0123456789abcdef"

// rsaKey is made once: that takes a while.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func ecKey(c elliptic.Curve) *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(c, rand.Reader)) }

// publicPEM is what an operator gives the server.
func publicPEM(private crypto.Signer) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(private.Public()))})
}

// sign returns a token of ana for an hour, with claims changed or, where they are nil,
// left out.
func sign(m jwt.SigningMethod, key any, changed jwt.MapClaims) string {
	return signAs(m, key, changed, nil)
}

// signAs is sign with fields of the header besides.
func signAs(m jwt.SigningMethod, key any, changed jwt.MapClaims, header map[string]any) string {
	c := jwt.MapClaims{"sub": "ana", "exp": time.Now().Add(time.Hour).Unix()}
	for name, value := range changed {
		c[name] = value
		if value == nil {
			delete(c, name)
		}
	}
	t := jwt.NewWithClaims(m, c)
	maps.Copy(t.Header, header)
	return must(t.SignedString(key))
}

// bySecret accepts tokens that are signed with secret.
func bySecret(t testing.TB) *auth.Tokens {
	return auth.NewTokens(auth.TokenConfig{Keys: secretKey(t)})
}

func secretKey(t testing.TB) auth.Keys {
	t.Helper()
	k, err := auth.Secret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func publicKey(t testing.TB, private crypto.Signer) auth.Keys {
	t.Helper()
	k, err := auth.PublicKey(publicPEM(private))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// header is the credentials of a request with a token in Authorization.
func header(token string) auth.Credentials {
	return auth.Credentials{Target: "/ws", Authorization: [][]byte{[]byte("Bearer " + token)}}
}

// Each type of key accepts its algorithms.
func TestTokens_Identify(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256, p384, p521 := ecKey(elliptic.P256()), ecKey(elliptic.P384()), ecKey(elliptic.P521())
	for _, c := range []struct {
		keys   auth.Keys
		method jwt.SigningMethod
		key    any
	}{
		{secretKey(t), jwt.SigningMethodHS256, []byte(secret)},
		{publicKey(t, rsaKey()), jwt.SigningMethodRS256, rsaKey()},
		{publicKey(t, rsaKey()), jwt.SigningMethodRS512, rsaKey()},
		{publicKey(t, rsaKey()), jwt.SigningMethodPS256, rsaKey()},
		{publicKey(t, p256), jwt.SigningMethodES256, p256},
		{publicKey(t, p384), jwt.SigningMethodES384, p384},
		{publicKey(t, p521), jwt.SigningMethodES512, p521},
		{publicKey(t, ed), jwt.SigningMethodEdDSA, ed},
	} {
		t.Run(c.method.Alg(), func(t *testing.T) {
			tokens := auth.NewTokens(auth.TokenConfig{Keys: c.keys, Audience: "presence", Issuer: "idp"})
			expires := time.Now().Add(time.Minute).Truncate(time.Second)
			token := sign(c.method, c.key, jwt.MapClaims{
				"sub": "ana maria", "exp": expires.Unix(), "aud": []string{"other", "presence"}, "iss": "idp",
				"presence": map[string]string{"who": "all"},
			})
			got, err := tokens.Identify(header(token))
			if err != nil || got.User != "ana maria" || !got.Expires.Equal(expires) || !got.Proven() || !got.SeesAll {
				t.Errorf("got %+v, %v", got, err)
			}
			tampered := token[:len(token)-8] + "AAAAAAAA"
			if _, err := tokens.Identify(header(tampered)); !errors.Is(err, auth.ErrToken) {
				t.Errorf("with a changed signature: %v", err)
			}
		})
	}
}

// A hostile token is refused, in words that repeat nothing of it and fit into a close
// frame.
func TestTokens_Identify_HostileTokens(t *testing.T) {
	hs := func(changed jwt.MapClaims) string { return sign(jwt.SigningMethodHS256, []byte(secret), changed) }
	raw := func(head, body string) string {
		e := base64.RawURLEncoding
		unsigned := e.EncodeToString([]byte(head)) + "." + e.EncodeToString([]byte(body))
		return unsigned + "." + e.EncodeToString(must(jwt.SigningMethodHS256.Sign(unsigned, []byte(secret))))
	}
	at := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	p256, p384 := ecKey(elliptic.P256()), ecKey(elliptic.P384())
	own := secretKey(t)
	for _, c := range []struct {
		name  string
		keys  auth.Keys
		token string
		says  string
	}{
		{"alg none", own, sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil), "alg"},
		{"alg none, public key", publicKey(t, rsaKey()), sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil), "alg"},
		{"alg None", own, raw(`{"alg":"None"}`, `{"sub":"ana"}`), "alg"},
		{"alg missing", own, raw(`{"typ":"JWT"}`, `{"sub":"ana"}`), "alg"},
		{"alg a number", own, raw(`{"alg":256}`, `{"sub":"ana"}`), "alg"},
		{"the public key as a secret", publicKey(t, rsaKey()), sign(jwt.SigningMethodHS256, publicPEM(rsaKey()), nil), "alg"},
		{"the public key's DER as a secret", publicKey(t, p256), sign(jwt.SigningMethodHS256, must(x509.MarshalPKIXPublicKey(&p256.PublicKey)), nil), "alg"},
		{"another HMAC", own, sign(jwt.SigningMethodHS512, []byte(secret), nil), "alg"},
		{"another family", publicKey(t, rsaKey()), sign(jwt.SigningMethodES256, p256, nil), "alg"},
		{"another curve", publicKey(t, p384), sign(jwt.SigningMethodES256, p256, nil), "alg"},
		{"another secret", own, sign(jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), nil), "signature"},
		{"another RSA key", publicKey(t, must(rsa.GenerateKey(rand.Reader, 2048))), sign(jwt.SigningMethodRS256, rsaKey(), nil), "signature"},
		{"no signature", own, strings.TrimRight(hs(nil), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), "signature"},
		{"critical extensions", own, signAs(jwt.SigningMethodHS256, []byte(secret), nil, map[string]any{"crit": []string{"b64"}, "b64": false}), "crit"},
		{"expired", own, hs(jwt.MapClaims{"exp": at(-time.Second)}), "expired"},
		{"expired long ago", own, hs(jwt.MapClaims{"exp": at(-time.Hour)}), "expired"},
		{"no exp", own, hs(jwt.MapClaims{"exp": nil}), "exp"},
		{"exp null", own, raw(`{"alg":"HS256"}`, `{"sub":"ana","exp":null}`), "exp"},
		{"exp a word", own, hs(jwt.MapClaims{"exp": "tomorrow"}), "types"},
		{"exp an object", own, hs(jwt.MapClaims{"exp": map[string]int{"$gt": 0}}), "types"},
		{"exp in a million years", own, raw(`{"alg":"HS256"}`, `{"sub":"ana","exp":33000000000000}`), "exp is no time"},
		{"exp beyond every time", own, raw(`{"alg":"HS256"}`, `{"sub":"ana","exp":1e300}`), "exp"},
		{"exp beyond every number", own, raw(`{"alg":"HS256"}`, `{"sub":"ana","exp":1e999}`), "types"},
		{"exp negative", own, raw(`{"alg":"HS256"}`, `{"sub":"ana","exp":-1e300}`), "exp"},
		{"nbf in the future", own, hs(jwt.MapClaims{"nbf": at(time.Minute)}), "nbf"},
		{"iat in the future", own, hs(jwt.MapClaims{"iat": at(time.Minute)}), "iat"},
		{"sub missing", own, hs(jwt.MapClaims{"sub": nil}), "sub"},
		{"sub empty", own, hs(jwt.MapClaims{"sub": ""}), "sub"},
		{"sub a number", own, hs(jwt.MapClaims{"sub": 42}), "types"},
		{"sub an operator", own, hs(jwt.MapClaims{"sub": map[string]string{"$gt": ""}}), "types"},
		{"sub too long", own, hs(jwt.MapClaims{"sub": strings.Repeat("x", events.MaxUser+1)}), "129 bytes"},
		{"sub with control characters", own, hs(jwt.MapClaims{"sub": "an\x00a"}), "control"},
		{"sub with a line end", own, hs(jwt.MapClaims{"sub": "a\r\nSet-Cookie: x"}), "control"},
		{"sub right to left", own, hs(jwt.MapClaims{"sub": "a\u202eb"}), "bidirectional"},
		{"claims null", own, raw(`{"alg":"HS256"}`, `null`), "exp"},
		{"claims a list", own, raw(`{"alg":"HS256"}`, `[]`), "types"},
		{"claims no JSON", own, raw(`{"alg":"HS256"}`, `{"sub":"ana",`), "types"},
		{"header null", own, raw(`null`, `{"sub":"ana"}`), "alg"},
		{"header no JSON", own, raw(`{`, `{"sub":"ana"}`), "types"},
		{"huge", own, hs(jwt.MapClaims{"pad": strings.Repeat("x", auth.MaxToken)}), "longer than 8192"},
		{"garbage", own, "garbage", "no JSON Web Token"},
		{"dots", own, "..", "no JSON Web Token"},
		{"many dots", own, strings.Repeat(".", 8000), "no JSON Web Token"},
		{"padding", own, hs(nil) + "=", "no JSON Web Token"},
		{"empty", own, "", "no JSON Web Token"},
		{"an encrypted one", own, hs(nil) + ".a.b", "no JSON Web Token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := auth.NewTokens(auth.TokenConfig{Keys: c.keys}).Identify(header(c.token))
			if !errors.Is(err, auth.ErrToken) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want %q", err, c.says)
			}
			silent(t, err, c.token)
		})
	}
}

// silent holds that an error repeats no part of a token, and fits into a close frame.
func silent(t *testing.T, err error, token string) {
	t.Helper()
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 3 && strings.Contains(err.Error(), part) {
			t.Errorf("the error repeats the token: %v", err)
		}
	}
	if len(err.Error()) > 123 {
		t.Errorf("the error has %d bytes, a close frame 123: %v", len(err.Error()), err)
	}
}

func TestTokens_Identify_OtherAudienceOrIssuer(t *testing.T) {
	tokens := auth.NewTokens(auth.TokenConfig{Keys: secretKey(t), Audience: "presence", Issuer: "idp"})
	for name, c := range map[string]struct {
		claims jwt.MapClaims
		says   string
	}{
		"aud wrong":        {jwt.MapClaims{"iss": "idp", "aud": "other"}, "aud"},
		"aud missing":      {jwt.MapClaims{"iss": "idp"}, "aud"},
		"aud empty":        {jwt.MapClaims{"iss": "idp", "aud": []string{}}, "aud"},
		"aud a part of it": {jwt.MapClaims{"iss": "idp", "aud": "presence2"}, "aud"},
		"aud a number":     {jwt.MapClaims{"iss": "idp", "aud": 1}, "types"},
		"iss wrong":        {jwt.MapClaims{"iss": "evil", "aud": "presence"}, "iss"},
		"iss missing":      {jwt.MapClaims{"aud": "presence"}, "iss"},
	} {
		_, err := tokens.Identify(header(sign(jwt.SigningMethodHS256, []byte(secret), c.claims)))
		if !errors.Is(err, auth.ErrToken) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// Only the claim presence {"who":"all"} allows to see all, and no form of the claim
// spoils a token.
func TestTokens_Identify_SeesAll(t *testing.T) {
	tokens := bySecret(t)
	for _, presence := range []any{
		nil, "all", true, []string{"all"}, map[string]any{}, map[string]any{"who": "listed"}, map[string]any{"who": true},
		map[string]any{"who": "ALL"}, map[string]any{"who": []string{"all"}},
	} {
		got, err := tokens.Identify(header(sign(jwt.SigningMethodHS256, []byte(secret), jwt.MapClaims{"presence": presence})))
		if err != nil || got.SeesAll {
			t.Errorf("presence %v: got %+v, %v", presence, got, err)
		}
	}
}

// Clocks may differ by half a minute; but a token ends when it says.
func TestTokens_Identify_Times(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := bySecret(t)
		at := func(name string, d time.Duration) auth.Credentials {
			return header(sign(jwt.SigningMethodHS256, []byte(secret), jwt.MapClaims{name: time.Now().Add(d).Unix()}))
		}
		for _, name := range []string{"nbf", "iat"} {
			c := at(name, 40*time.Second)
			if _, err := tokens.Identify(c); !errors.Is(err, auth.ErrToken) {
				t.Errorf("%s in 40 s: %v", name, err)
			}
			time.Sleep(10 * time.Second)
			if _, err := tokens.Identify(c); err != nil {
				t.Errorf("%s in 30 s: %v", name, err)
			}
		}
		c := at("exp", 10*time.Second)
		time.Sleep(10*time.Second - time.Millisecond)
		if _, err := tokens.Identify(c); err != nil {
			t.Errorf("just before its end: %v", err)
		}
		time.Sleep(time.Millisecond)
		if _, err := tokens.Identify(c); !errors.Is(err, auth.ErrToken) {
			t.Errorf("at its end: %v", err)
		}
	})
}

func TestTokens_Identify_User(t *testing.T) {
	tokens := bySecret(t)
	token := sign(jwt.SigningMethodHS256, []byte(secret), nil)
	for target, want := range map[string]error{
		"/":                             nil,
		"/ws?user=ana":                  nil,
		"/ws?user=":                     nil,
		"/ws?a=b":                       nil,
		"/ws?user=bob":                  auth.ErrOtherUser,
		"/ws?user=ana%20":               auth.ErrOtherUser,
		"/ws?user=ana&user=ana":         auth.ErrNoUser,
		"/other":                        auth.ErrNotHere,
		"/ws?token=" + token:            auth.ErrBadRequest,
		"/ws?Access_Token=x":            auth.ErrBadRequest,
		"/ws?user=" + token:             auth.ErrBadRequest,
		"/ws?user=ana&anything=eyJa.b.": auth.ErrBadRequest,
	} {
		c := header(token)
		c.Target = target
		if _, err := tokens.Identify(c); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("%s: got %v, want %v", target, err, want)
		} else if err != nil {
			silent(t, err, token)
		}
	}
}

func TestTokens_Renew(t *testing.T) {
	tokens := bySecret(t)
	token := []byte(sign(jwt.SigningMethodHS256, []byte(secret), nil))
	if got, err := tokens.Renew("ana", token); err != nil || got.User != "ana" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := tokens.Renew("bob", token); !errors.Is(err, auth.ErrOtherUser) {
		t.Errorf("as bob: %v", err)
	}
	if _, err := tokens.Renew("ana", token[:20]); !errors.Is(err, auth.ErrToken) {
		t.Errorf("half a token: %v", err)
	}
}

func BenchmarkTokens_Identify(b *testing.B) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	p256 := ecKey(elliptic.P256())
	for _, c := range []struct {
		keys   auth.Keys
		method jwt.SigningMethod
		key    any
	}{
		{secretKey(b), jwt.SigningMethodHS256, []byte(secret)},
		{publicKey(b, rsaKey()), jwt.SigningMethodRS256, rsaKey()},
		{publicKey(b, p256), jwt.SigningMethodES256, p256},
		{publicKey(b, ed), jwt.SigningMethodEdDSA, ed},
	} {
		b.Run(c.method.Alg(), func(b *testing.B) {
			tokens := auth.NewTokens(auth.TokenConfig{Keys: c.keys})
			credentials := header(sign(c.method, c.key, nil))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tokens.Identify(credentials); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
