package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/golang-jwt/jwt/v5"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/auth"
	"github.com/presenced/presence/services/protocol"
)

const authSecret = "correct-horse-battery-staple-0123456789"

// token is one of a user that is good for a while, give or take a second.
func token(t *testing.T, user string, good time.Duration) string {
	t.Helper()
	return tokenUntil(t, user, time.Now().Add(good))
}

// tokenUntil is one that is good until a time, in whole seconds.
func tokenUntil(t *testing.T, user string, at time.Time) string {
	t.Helper()
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": user, "exp": at.Unix()}).
		SignedString([]byte(authSecret))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// withToken connects with a token in Authorization.
func withToken(token string) ws.Dialer {
	return ws.Dialer{Header: ws.HandshakeHeaderHTTP{"Authorization": {"Bearer " + token}}}
}

// asPage connects like a web page: with a token among the subprotocols.
func asPage(token string) ws.Dialer {
	return ws.Dialer{Protocols: []string{protocol.Subprotocol, protocol.BearerPrefix + token}}
}

// startJWT starts a presenced that authenticates by authSecret.
func startJWT(t *testing.T, b backend) *target {
	t.Helper()
	return start(t, b, "--auth", "jwt", "--auth-secret", authSecret)
}

func TestAuth_TokenIsTheUser(t *testing.T) {
	tg := startJWT(t, embeddedBackend(t))
	for name, d := range map[string]ws.Dialer{
		"Authorization": withToken(token(t, "ana", time.Hour)),
		"subprotocol":   asPage(token(t, "ana", time.Hour)),
	} {
		for _, target := range []string{"/ws", "/?user=ana"} {
			_, welcome := dialWith(t, d, tg.ws+target)
			if w := receive(t, welcome, "the welcome"); w.User != "ana" {
				t.Errorf("%s, %s: welcome %+v", name, target, w)
			}
		}
	}
	if said := strings.Join(tg.said, "\n"); !strings.Contains(said, "connect --token") {
		t.Errorf("the greeting does not say to give a token: %s", said)
	}
	if got := tg.online(t); got["ana"] != 4 || len(got) != 1 {
		t.Errorf("online %v", got)
	}
}

// The subprotocol is selected without authentication too, and its token means nothing.
func TestAuth_None(t *testing.T) {
	tg := start(t, embeddedBackend(t))
	c, welcome := dialWith(t, asPage("anything"), tg.ws+"/?user=bob")
	if w := receive(t, welcome, "the welcome"); w.User != "bob" {
		t.Errorf("welcome %+v", w)
	}
	if m := c.ask(t, `{"type":"token","token":"x"}`); m.Code != protocol.Forbidden {
		t.Errorf("a token later: %+v", m)
	}
}

// answered is the server's whole answer to an upgrade request.
type answered struct {
	*http.Response
	text string        // the body, or the reason of the close
	code ws.StatusCode // of the close of who was let in
}

// request sends an upgrade request with more header fields, whatever they are, and reads
// on until the end.
func request(t *testing.T, tg *target, path string, fields ...string) (a answered) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(tg.ws, "ws://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	head := append([]string{
		"GET " + path + " HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
	}, fields...)
	if _, err := io.WriteString(conn, strings.Join(head, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	if a.Response, err = http.ReadResponse(in, nil); err != nil {
		t.Fatal(err)
	}
	if a.StatusCode != http.StatusSwitchingProtocols {
		body, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		a.text = string(body)
		return a
	}
	for {
		f, err := readFrame(in)
		if err != nil {
			t.Fatal(err)
		}
		if f.Header.OpCode == ws.OpClose {
			a.code, a.text = ws.ParseCloseFrameData(f.Payload)
			return a
		}
	}
}

// Who is not let in is told why, by HTTP or, if it speaks the subprotocol, by a close
// code; nothing of it is recorded; and no token, and not the secret, stands in any
// answer, in the log, or in the metrics.
func TestAuth_Refusals(t *testing.T) {
	b := embeddedBackend(t)
	tg := startJWT(t, b)
	good, expired := token(t, "ana", time.Hour), token(t, "ana", -time.Minute)
	header := func(token string) string { return "Authorization: Bearer " + token }
	offer := func(token string) string { return "Sec-WebSocket-Protocol: presence.v1, bearer." + token }
	const speaks = "Sec-WebSocket-Protocol: presence.v1"
	for _, c := range []struct {
		name, path string
		fields     []string
		status     int
		code       ws.StatusCode
		says       string
	}{
		{"no token", "/ws?user=ana", nil, 401, 0, "Authorization: Bearer"},
		{"expired", "/ws", []string{header(expired)}, 401, 0, "expired"},
		{"expired, subprotocol", "/ws", []string{offer(expired)}, 101, 4500, "expired"},
		{"expired, header and subprotocol without a token", "/ws", []string{header(expired), speaks}, 101, 4500, "expired"},
		{"no token, subprotocol", "/ws", []string{speaks}, 101, 4500, "a token is needed"},
		{"another user", "/ws?user=bob", []string{header(good)}, 403, 0, "another user"},
		{"another user, subprotocol", "/ws?user=bob", []string{offer(good)}, 101, 4500, "another user"},
		{"two fields", "/ws", []string{header(good), header(good)}, 400, 0, "2 Authorization fields"},
		{"both", "/ws", []string{header(good), offer(good)}, 101, 4500, "send one"},
		{"nothing to select", "/ws", []string{"Sec-WebSocket-Protocol: bearer." + good}, 400, 0, "presence.v1"},
		{"in the query", "/ws?token=" + good, nil, 400, 0, "must not stand in the address"},
		{"in the query, as the user", "/ws?user=" + good, []string{header(good)}, 400, 0, "must not stand in the address"},
		{"in the path", "/ws/" + good, []string{header(good)}, 404, 0, "connect to"},
		{"another page", "/ws", []string{"Origin: https://evil.example", offer(good)}, 403, 0, "ALLOWED_ORIGINS"},
		{"too long for a header", "/ws", []string{header(strings.Repeat(good, 100))}, 431, 0, "too large"},
		{"garbage", "/ws", []string{header("garbage-of-a-token")}, 401, 0, "no JSON Web Token"},
	} {
		a := request(t, tg, c.path, c.fields...)
		if a.StatusCode != c.status || a.code != c.code || !strings.Contains(a.text, c.says) {
			t.Errorf("%s: %d, closed with %d: %q; want %d, %d: %q", c.name, a.StatusCode, a.code, a.text, c.status, c.code, c.says)
		}
		if challenge := a.Header.Get("WWW-Authenticate"); strings.HasPrefix(challenge, "Bearer") != (c.status == 401) {
			t.Errorf("%s: the challenge is %q", c.name, challenge)
		}
		if got := a.Header.Get("Sec-WebSocket-Protocol"); (got == "presence.v1") != (c.status == 101) {
			t.Errorf("%s: the subprotocol is %q", c.name, got)
		}
		for _, hidden := range []string{good, expired, "garbage-of-a-token"} {
			if strings.Contains(a.text+a.Header.Get("WWW-Authenticate"), hidden) {
				t.Errorf("%s: the answer has the token: %q", c.name, a.text)
			}
		}
	}
	wantSecretsHidden(t, tg, good, expired, authSecret, "garbage-of-a-token")
	if code := tg.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if r := verified(t, b); r.Events != 2 { // opened and sealed
		t.Errorf("%d events are recorded", r.Events)
	}
}

// wantSecretsHidden holds that secrets, and the parts of tokens, stand neither in the
// log, nor in what was said at the start, nor in the metrics.
func wantSecretsHidden(t *testing.T, tg *target, secrets ...string) {
	t.Helper()
	resp, err := http.Get(tg.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	for where, text := range map[string]string{"log": tg.log.String(), "greeting": strings.Join(tg.said, "\n"), "metrics": string(metrics)} {
		for _, secret := range secrets {
			for part := range strings.SplitSeq(secret, ".") {
				if strings.Contains(text, part) {
					t.Errorf("the %s has a part of a secret, %q", where, part)
				}
			}
		}
	}
}

// A connection ends with its token unless it shows another one in time, of its user.
func TestAuth_Expiry(t *testing.T) {
	b := embeddedBackend(t)
	tg := startJWT(t, b)
	first := time.Now().Add(10 * time.Second).Truncate(time.Second)
	brief, _ := dialWith(t, withToken(tokenUntil(t, "ana", first)), tg.ws+"/")
	longer, _ := dialWith(t, withToken(tokenUntil(t, "ana", first)), tg.ws+"/")
	renew := func(token string) protocol.Message {
		return longer.ask(t, `{"type":"token","id":"r","token":"`+token+`"}`)
	}
	for token, want := range map[string]protocol.Code{
		token(t, "bob", time.Hour):    protocol.Forbidden,
		token(t, "ana", -time.Minute): protocol.Unauthorized,
		"x":                           protocol.Unauthorized,
	} {
		if m := renew(token); m.Code != want || m.ID != "r" {
			t.Errorf("renewed by %s: %+v", token, m)
		}
	}
	good := token(t, "ana", time.Hour)
	if m := renew(good); m.Type != protocol.TypeToken || m.ID != "r" || time.Until(m.Expires) < 50*time.Minute {
		t.Errorf("renewed: %+v", m)
	}
	if code := receive(t, brief.closed, "the end of the token"); code != ws.StatusCode(protocol.CloseInvalidToken) {
		t.Errorf("closed with %d", code)
	}
	if early := time.Until(first); early > 0 {
		t.Errorf("closed %s before the end of the token", early)
	}
	for m := receive(t, longer.times, "the time"); m.Time.Before(first.Add(2 * time.Second)); {
		m = receive(t, longer.times, "the time")
	}
	if m := longer.ask(t, `{"type":"ping"}`); m.Type != protocol.TypePong {
		t.Errorf("after the end of the first token: %+v", m)
	}
	if m := renew(token(t, "ana", 5*time.Second)); m.Type != protocol.TypeToken {
		t.Errorf("a shorter one: %+v", m)
	}
	if code := receive(t, longer.closed, "the end of the last token"); code != ws.StatusCode(protocol.CloseInvalidToken) {
		t.Errorf("closed with %d", code)
	}
	wantSecretsHidden(t, tg, good)
	_, _ = brief.conn.Close(), longer.conn.Close()
	tg.stop()
	verified(t, b)
	reasons(t, b, map[events.Reason]int{events.Kicked: 2, events.Shutdown: 1})
}

// setOf is a JWK set with one key, as RFC 7517 has it.
func setOf(t *testing.T, id string, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return fmt.Appendf(nil, `{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":%q,"x":%q,"y":%q}]}`,
		id, encode(point[1:33]), encode(point[33:]))
}

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// byKey is a token of ana, signed with a key that has an id.
func byKey(t *testing.T, id string, key *ecdsa.PrivateKey) string {
	t.Helper()
	made := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"sub": "ana", "aud": "presence", "iss": "idp", "exp": time.Now().Add(time.Hour).Unix()})
	made.Header["kid"] = id
	text, err := made.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAuth_PublicKeys(t *testing.T) {
	key := ecKey(t)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	inPEM, inSet := filepath.Join(dir, "key.pem"), filepath.Join(dir, "keys.json")
	for path, text := range map[string][]byte{
		inPEM: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), inSet: setOf(t, "k1", key),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	idp := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer idp.Close()
	for name, flags := range map[string][]string{
		"PEM":     {"--auth-public-key-file", inPEM},
		"set":     {"--auth-jwks", inSet},
		"address": {"--auth-jwks", idp.URL + "/keys.json"},
	} {
		t.Run(name, func(t *testing.T) {
			tg := start(t, embeddedBackend(t), append(flags, "--auth", "jwt", "--auth-audience", "presence", "--auth-issuer", "idp")...)
			_, welcome := dialWith(t, withToken(byKey(t, "k1", key)), tg.ws+"/")
			if w := receive(t, welcome, "the welcome"); w.User != "ana" {
				t.Errorf("welcome %+v", w)
			}
			if a := request(t, tg, "/", "Authorization: Bearer "+byKey(t, "k1", ecKey(t))); a.StatusCode != http.StatusUnauthorized {
				t.Errorf("with a token by somebody else: %d %s", a.StatusCode, a.text)
			}
			if !strings.Contains(tg.log.String(), "authenticated by JSON Web Tokens") {
				t.Errorf("the log does not say which authentication: %s", tg.log.String())
			}
		})
	}
	idp.Close()
	code, text := fails(t, embeddedBackend(t).args("--auth", "jwt", "--auth-jwks", idp.URL+"/keys.json?secret=hidden")...)
	if code != exitFailed || !strings.Contains(text, "AUTH_JWKS (--auth-jwks)") || strings.Contains(text, "hidden") {
		t.Errorf("without an answer at the start: exit code %d: %s", code, text)
	}
}

// A token whose key is not known yet may be good in a moment, and its client is told so.
func TestRefusal_KeyNotYet(t *testing.T) {
	err := fmt.Errorf("x: %w", auth.ErrKeyNotYet)
	if r := refusal(err); r.Status != http.StatusServiceUnavailable || r.RetryAfter == 0 {
		t.Errorf("%+v", r)
	}
	if code := closeCode(err); !code.Reconnect() || code == 0 {
		t.Errorf("closed with %d", code)
	}
}

// What lets anybody in beyond loopback needs a word; tokens need none.
func TestConfig_AuthBeyondLoopback(t *testing.T) {
	cfg := defaultConfig()
	cfg.wsHost, cfg.auth.kind, cfg.auth.secret = "0.0.0.0", authJWT, authSecret
	if err := cfg.validate(); err != nil {
		t.Error(err)
	}
	cfg.auth = authConfig{kind: authNone}
	if err := cfg.validate(); err == nil {
		t.Error("anybody may connect from anywhere")
	}
}
