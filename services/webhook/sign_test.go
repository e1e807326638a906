package webhook

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"
)

// The vector that implementations of Standard Webhooks test themselves by.
func TestSecret_sign(t *testing.T) {
	s, err := ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got := s.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 999e6), `{"test": 2432232314}`); got != want {
		t.Errorf("signed %s, want %s", got, want)
	}
}

func TestParseSecret(t *testing.T) {
	of := func(bytes int) string { return base64.StdEncoding.EncodeToString(make([]byte, bytes)) }
	for text, says := range map[string]string{
		of(24): "", "whsec_" + of(64): "",
		of(23):                             "base64 of 23 bytes, want 24 to 64",
		"whsec_" + of(65):                  "base64 of 65 bytes",
		"":                                 "0 bytes",
		"whsec_":                           "0 bytes",
		"hidden, and a sentence at that":   "not base64",
		"whsec_" + strings.Repeat("-", 40): "not base64",
		of(32) + "\n ":                     "not base64",
	} {
		_, err := ParseSecret(text)
		switch {
		case says == "" && err != nil:
			t.Errorf("%q: %v", text, err)
		case says != "" && (err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hidden")):
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

// However a secret is printed, it does not show.
func TestSecret_hides(t *testing.T) {
	s, err := ParseSecret(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(s), fmt.Sprintf("%+v %#v %q %s", s, s, s, s)} {
		if strings.Contains(shown, string(testKey[:8])) || strings.Contains(shown, "48 49") || strings.Contains(shown, "0x30") {
			t.Errorf("it shows: %s", shown)
		}
	}
}

func TestParseURL(t *testing.T) {
	for text, says := range map[string]string{
		"https://receiver.example/hook?key=hidden": "", "http://127.0.0.1:9000": "", "HTTPS://user:hidden@receiver.example": "",
		"":                                     "want an address with https://",
		"receiver.example/hidden":              "want an address with https://",
		"ftp://receiver.example/hidden":        "want an address with https://",
		"https://":                             "want an address with https://",
		"https:///hidden":                      "want an address with https://",
		"https://:443/hidden":                  "want an address with https://",
		"https:receiver.example":               "want an address with https://",
		"https://receiver.example:port/hidden": "invalid port",
		"https://receiver.example/\x00hidden":  "control character",
	} {
		u, err := ParseURL(text)
		switch {
		case says == "" && (err != nil || u.String() == ""):
			t.Errorf("%q: %v", text, err)
		case says != "" && (err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hidden")):
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

func TestPlain(t *testing.T) {
	for text, want := range map[string]bool{
		"https://receiver.example": false, "http://receiver.example": true, "http://localhost:1": false, "http://127.0.0.2": false,
		"http://[::1]:9": false, "http://10.0.0.1": true,
	} {
		u, err := ParseURL(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Plain(u); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// What stands for a receiver in the store is the same for the same one, and another for
// another, and does not have its address.
func TestSecret_target(t *testing.T) {
	s, other := mustSecret(testSecret), mustSecret(base64.StdEncoding.EncodeToString(make([]byte, 24)))
	a, b := mustURL("https://receiver.example/?key=hidden"), mustURL("https://receiver.example/?key=hiddem")
	if again := mustSecret(testSecret).target(a); s.target(a) != again || s.target(a) == s.target(b) || s.target(a) == other.target(a) {
		t.Error("receivers are mixed up")
	}
	if got := s.target(a); len(got) != 32 || strings.Contains(got, "hidden") {
		t.Errorf("%q", got)
	}
}
