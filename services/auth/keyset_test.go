package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// jwkOf is a public key as a set has it.
func jwkOf(t testing.TB, id string, private crypto.Signer, change func(*jwkset.JWKMarshal)) jwkset.JWKMarshal {
	t.Helper()
	k, err := jwkset.NewJWKFromKey(private.Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: id}})
	if err != nil {
		t.Fatal(err)
	}
	m := k.Marshal()
	m.ALG = ""
	if change != nil {
		change(&m)
	}
	return m
}

func setOf(t testing.TB, keys ...jwkset.JWKMarshal) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func newECKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestParseSet(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecKey := newECKey(t)
	good := jwkOf(t, "good", ecKey, nil)
	for _, c := range []struct {
		name, text string
		want       string // ids and algorithms; "": an error
		says       string
	}{
		{"every kind", setOf(t, jwkOf(t, "r", rsaKey, nil), good, jwkOf(t, "ed", edKey, nil)), "ed:[EdDSA] good:[ES256] r:[RS256 RS384 RS512 PS256 PS384 PS512]", ""},
		{"narrowed by alg", setOf(t, jwkOf(t, "r", rsaKey, func(m *jwkset.JWKMarshal) { m.ALG, m.USE = "RS384", "sig" })), "r:[RS384]", ""},
		{"no id", setOf(t, jwkOf(t, "", ecKey, nil)), ":[ES256]", ""},
		{"others are left out", setOf(t, good,
			jwkset.JWKMarshal{KTY: "oct", K: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY", KID: "secret", ALG: "HS256"},
			jwkset.JWKMarshal{KTY: "new", KID: "new"},
			jwkOf(t, "enc", ecKey, func(m *jwkset.JWKMarshal) { m.USE = "enc" }),
			jwkOf(t, "to encrypt", ecKey, func(m *jwkset.JWKMarshal) { m.KEYOPS = []jwkset.KEYOPS{jwkset.KeyOpsEncrypt} }),
			jwkOf(t, "wrong alg", ecKey, func(m *jwkset.JWKMarshal) { m.ALG = "ES384" }),
			jwkOf(t, "HMAC by a public key", rsaKey, func(m *jwkset.JWKMarshal) { m.ALG = "HS256" }),
			jwkOf(t, "off the curve", ecKey, func(m *jwkset.JWKMarshal) { m.Y = m.X }),
			jwkOf(t, "no base64", ecKey, func(m *jwkset.JWKMarshal) { m.X = "!" }),
			jwkOf(t, "exponent 1", rsaKey, func(m *jwkset.JWKMarshal) { m.E = "AQ" }),
			jwkOf(t, "small", rsaKey, func(m *jwkset.JWKMarshal) { m.N = m.N[:170] }),
		), "good:[ES256]", ""},
		{"addresses are not followed", setOf(t, jwkOf(t, "x", ecKey, func(m *jwkset.JWKMarshal) { m.X5U = "https://127.0.0.1:1/"; m.X5C = []string{"!"} })), "x:[ES256]", ""},

		{"not JSON", "<html>", "", "no JWK set"},
		{"another object", `{"kty":"EC"}`, "", "none of its 0 keys"},
		{"keys of another type", `{"keys":{}}`, "", "no JWK set"},
		{"empty", `{"keys":[]}`, "", "none of its 0 keys"},
		{"none of use", setOf(t, jwkset.JWKMarshal{KTY: "oct", K: "c2VjcmV0c2VjcmV0", KID: "s"}), "", "none of its 1 keys"},
		{"an id twice", setOf(t, good, good), "", `"good"`},
	} {
		keys, err := parseSet([]byte(c.text))
		got := make(map[string][]string)
		for id, k := range keys {
			got[id] = k.algorithms
		}
		if text := strings.Trim(strings.TrimPrefix(fmt.Sprint(got), "map"), "[]") + "]"; c.want != "" && (err != nil || text != c.want) {
			t.Errorf("%s: got %s, %v; want %s", c.name, text, err, c.want)
		}
		if c.want == "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%s: a secret is said: %v", c.name, err)
		}
	}
}

// Whatever a set says: what is read of it can be used without a panic, and never with an
// algorithm that is for secrets.
func FuzzParseSet(f *testing.F) {
	f.Add([]byte(setOf(f, jwkOf(f, "1", newECKey(f), nil))))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","alg":"HS256"},{"kty":"oct","k":"AQAB"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := parseSet(text)
		if (err == nil) != (len(keys) > 0) {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			for _, a := range k.algorithms {
				if a == "HS256" || jwt.GetSigningMethod(a).Verify("a.b", []byte("c"), k.material) == nil {
					t.Fatalf("a key for %s", a)
				}
			}
		}
	})
}

// place is a key set that a test changes.
type place struct {
	mu    sync.Mutex
	text  string
	err   error
	reads int
}

func (p *place) set(text string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text, p.err = text, err
}

func (p *place) source(context.Context) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads++
	return []byte(p.text), p.err
}

func (p *place) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reads
}

// running returns a key set that was just read, and that Run reads again until the end
// of the test, which is in a bubble of synctest.
func running(t *testing.T, text string) (*KeySet, *place, *observer.ObservedLogs) {
	t.Helper()
	core, log := observer.New(zapcore.InfoLevel)
	p := &place{text: text}
	s := &KeySet{source: p.source, log: zap.New(core), wake: make(chan struct{}, 1)}
	keys, err := s.read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.latest.Store(&reading{keys: keys, at: time.Now()})
	ctx, stop := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { s.Run(ctx) })
	t.Cleanup(func() {
		stop()
		run.Wait()
	})
	return s, p, log
}

func wantFind(t *testing.T, s *KeySet, id string, want error) {
	t.Helper()
	if _, err := s.find(id); !errors.Is(err, want) || (err == nil) != (want == nil) {
		t.Errorf("key %q: got %v, want %v", id, err, want)
	}
}

// A token with a new key makes the set be read again, which takes a moment; and one
// with a key that does not exist not more often than every 10 s.
func TestKeySet_Rotation(t *testing.T) {
	one, two := jwkOf(t, "1", newECKey(t), nil), jwkOf(t, "2", newECKey(t), nil)
	synctest.Test(t, func(t *testing.T) {
		s, p, log := running(t, setOf(t, one))
		wantFind(t, s, "1", nil)
		wantFind(t, s, "", nil)
		wantFind(t, s, "2", errKey) // the set was read just now

		p.set(setOf(t, one, two), nil)
		time.Sleep(refreshPause)
		wantFind(t, s, "2", ErrKeyNotYet)
		synctest.Wait()
		wantFind(t, s, "2", nil)
		wantFind(t, s, "1", nil)
		wantFind(t, s, "", errNoKeyID) // which of them?
		wantFind(t, s, "3", errKey)

		p.set(setOf(t, two), nil)
		time.Sleep(refreshEvery)
		synctest.Wait()
		wantFind(t, s, "1", errKey) // taken out
		wantFind(t, s, "2", nil)
		if n := log.FilterMessage("AUTH_JWKS has other keys").Len(); n != 2 {
			t.Errorf("%d lines in the log of other keys: %v", n, log.All())
		}

		before := p.count()
		for range 100 { // during 10 s
			_, _ = s.find("evil")
			time.Sleep(refreshPause / 100)
		}
		synctest.Wait()
		if reads := p.count() - before; reads > 1 {
			t.Errorf("the set was read %d times in %s", reads, refreshPause)
		}
	})
}

// While the set cannot be read the known keys go on; the log says so once.
func TestKeySet_Outage(t *testing.T) {
	one, two := jwkOf(t, "1", newECKey(t), nil), jwkOf(t, "2", newECKey(t), nil)
	for name, bad := range map[string]struct {
		text string
		err  error
	}{
		"no answer": {"", errors.New("connection refused")},
		"no set":    {"<html>", nil},
		"no keys":   {`{"keys":[]}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, p, log := running(t, setOf(t, one))
				p.set(bad.text, bad.err)
				time.Sleep(4 * refreshEvery)
				synctest.Wait()
				wantFind(t, s, "1", nil)
				wantFind(t, s, "2", ErrKeyNotYet) // who knows: it is read again
				if log.Len() != 1 || log.All()[0].Level != zapcore.WarnLevel {
					t.Errorf("log %v", log.All())
				}
				p.set(setOf(t, one, two), nil)
				time.Sleep(refreshPause)
				synctest.Wait()
				wantFind(t, s, "2", nil)
				if log.FilterMessage("AUTH_JWKS can be read again").Len() != 1 {
					t.Errorf("log %v", log.All())
				}
			})
		})
	}
}

// A set comes over HTTP, and tokens by its keys are accepted, also after a rotation and
// while the server is gone.
func TestKeySet_HTTP(t *testing.T) {
	var p place
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := p.source(r.Context())
		_, _ = w.Write(text)
	}))
	defer server.Close()
	first, second := newECKey(t), newECKey(t)
	p.set(setOf(t, jwkOf(t, "1", first, nil)), nil)
	s, err := OpenKeySet(t.Context(), server.URL+"/keys?secret=hidden", zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	tokens := NewTokens(TokenConfig{Keys: s})
	check := func(id string, key *ecdsa.PrivateKey, want error) {
		t.Helper()
		token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"sub": "ana", "exp": time.Now().Add(time.Hour).Unix()})
		token.Header["kid"] = id
		text, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tokens.check([]byte(text)); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("key %s: got %v, want %v", id, err, want)
		}
	}
	check("1", first, nil)
	check("1", second, ErrToken)
	check("2", second, errKey)
	p.set(setOf(t, jwkOf(t, "2", second, nil)), nil)
	s.refresh(t.Context())
	check("2", second, nil)
	check("1", first, errKey)
	server.Close()
	s.refresh(t.Context())
	check("2", second, nil)
	check("1", first, ErrKeyNotYet)
}

// What cannot be had at the start is an error, which does not repeat the address.
func TestOpenKeySet_Refuses(t *testing.T) {
	answer := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL + "/?secret=hidden"
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	empty := filepath.Join(t.TempDir(), "hidden")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, place, says string }{
		{"not found", answer(http.NotFound), "404"},
		{"elsewhere", answer(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) }), "302"},
		{"not a set", answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }), "no JWK set"},
		{"too long", answer(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxSet+1)) }), "longer than 1048576 bytes"},
		{"cut off", answer(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), "EOF"},
		{"nobody there", gone.URL + "/?secret=hidden", "refused"},
		{"another scheme", "ftp://hidden/", "https://"},
		{"no host", "https:///hidden", "https://"},
		{"a password", "https://u:hidden@idp.example/", "password"},
		{"no file", filepath.Join(t.TempDir(), "none"), "none"},
		{"an empty file", empty, "no JWK set"},
	} {
		_, err := OpenKeySet(t.Context(), c.place, zap.NewNop())
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: got %v, want %q", c.name, err, c.says)
		}
	}
}

func TestOpenKeySet_File(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(path, []byte(setOf(t, jwkOf(t, "1", newECKey(t), nil))), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := OpenKeySet(t.Context(), path, zap.NewNop())
	if err != nil || s.Len() != 1 {
		t.Fatalf("%v", err)
	}
	if err := os.WriteFile(path, []byte(setOf(t, jwkOf(t, "2", newECKey(t), nil))), 0o600); err != nil {
		t.Fatal(err)
	}
	s.refresh(t.Context())
	wantFind(t, s, "2", nil)
}

func TestPlain(t *testing.T) {
	for place, want := range map[string]bool{
		"https://idp.example/keys": false, "http://localhost:80/": false, "http://127.0.0.1/": false, "http://[::1]:1/": false,
		"/etc/keys": false, "http://idp/keys": true, "http://192.0.2.1/": true,
	} {
		if got := Plain(place); got != want {
			t.Errorf("%s: %t", place, got)
		}
	}
}
