package browser

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"
)

const secret = "a secret that only this test and its server have"

// token makes a JSON Web Token.
func token(user string, expires time.Time) string {
	part := base64.RawURLEncoding.EncodeToString
	text := part([]byte(`{"alg":"HS256"}`)) + "." + part(fmt.Appendf(nil, `{"sub":%q,"exp":%d}`, user, expires.Unix()))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return text + "." + part(mac.Sum(nil))
}

// startWithTokens starts a server that wants tokens.
func startWithTokens(t *testing.T, flags ...string) *server {
	t.Helper()
	return start(t, append([]string{"--auth", "jwt", "--auth-secret", secret}, flags...)...)
}

// show opens the field for the token, and connects with one.
func (p *tab) show(token string) {
	p.Helper()
	p.click("#token-details summary")
	p.fill("#token", token)
	p.press("\r")
}

func TestToken(t *testing.T) {
	s := startWithTokens(t, "--who", "all")
	p := visit(t, s.page())
	p.fill("#user", "ana")
	p.press("\r")
	p.says("#why", "The server does not accept this name or token")
	p.says("#why", "token")
	p.shoot("token-wanted")

	p.shown("#token") // what helps is there
	p.fill("#token", "not a token")
	p.press("\r")
	p.says("#token-error", "This is no JSON Web Token")
	good := token("zoe", time.Now().Add(time.Hour))
	p.fill("#token", good)
	p.press("\r")
	p.says("#session-user", "zoe")
	p.says("#state", "Online")
	p.says("#renew-expires", "Your token is good until")
	p.shoot("token")

	if kept := value[string](p, `JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])`); strings.Contains(kept, good) || strings.Contains(kept, "eyJ") {
		t.Errorf("the token is kept: %s", kept)
	}
	for _, address := range p.conduct.sockets() {
		if strings.Contains(address, "eyJ") {
			t.Errorf("the token is in the address %s", address)
		}
	}
	p.open(s.page())
	p.says("#state", "Not connected") // without its token nobody is who they were
}

func TestToken_renewed(t *testing.T) {
	s := startWithTokens(t, "--who", "all")
	p := visit(t, s.page())
	p.show(token("zoe", time.Now().Add(time.Hour)))
	p.says("#state", "Online")

	p.fill("#renew-token", "nothing")
	p.press("\r")
	p.says("#renew-token-error", "This is no JSON Web Token")
	p.fill("#renew-token", token("ana", time.Now().Add(time.Hour)))
	p.press("\r")
	p.says("#renew-token-error", "another user")
	p.fill("#renew-token", token("zoe", time.Now().Add(48*time.Hour)))
	p.press("\r")
	p.says("#announcer", "Your token is good until "+value[string](p, fmt.Sprintf(
		`new Date(%d).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" })`, time.Now().Add(48*time.Hour).Unix()/60*60000))[:12])
	p.hidden("#renew-token-error")
	p.says("#state", "Online")
}

// When a token has expired, only another one helps.
func TestToken_expired(t *testing.T) {
	s := startWithTokens(t)
	p := visit(t, s.page())
	p.show(token("zoe", time.Now().Add(5*time.Second)))
	p.says("#why", "or the token has expired.")
	p.says("#why", "This page does not connect again by itself.")
	p.shown("#connect-button")
	p.says("#state", "Not connected")
	p.fill("#token", token("zoe", time.Now().Add(time.Hour)))
	p.press("\r")
	p.says("#state", "Online")
}
