package auth_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/presenced/presence/services/auth"
)

func TestOrigins(t *testing.T) {
	listed := []string{"https://App.example", "http://dev.example:3000", "chrome-extension://abc"}
	for _, c := range []struct {
		list         []string
		origin, host string
		allowed      bool
	}{
		{nil, "http://localhost:8080", "localhost:8080", true},
		{nil, "https://a.example", "a.example", true},
		{nil, "http://a.example", "a.example", true},
		{nil, "https://a.example", "a.example:443", true},
		{nil, "https://a.example:443", "A.EXAMPLE", true},
		{nil, "http://[::1]:8080", "[::1]:8080", true},
		{nil, "http://[::1]", "[::1]", true},
		{nil, "https://a.example", "a.example:80", false},
		{nil, "http://a.example:8080", "a.example", false},
		{nil, "http://localhost:8081", "localhost:8080", false},
		{nil, "http://evil.example", "a.example", false},
		{nil, "http://a.example.evil.example", "a.example", false},
		{nil, "http://evil-a.example", "a.example", false},
		{nil, "http://a.example@evil.example", "a.example", false},
		{nil, "http://a.example/", "a.example/", false},
		{nil, "ftp://a.example", "a.example", false},
		{nil, "null", "null", false},
		{nil, "", "", false},
		{nil, "http://", "", false},
		{nil, "a.example", "a.example", false},
		{listed, "https://app.example", "a.example", true},
		{listed, "https://app.example:443", "a.example", true},
		{listed, "HTTPS://APP.example", "a.example", true},
		{listed, "chrome-extension://abc", "a.example", true},
		{listed, "https://a.example", "a.example", true}, // a list adds to the host's own
		{listed, "http://app.example", "a.example", false},
		{listed, "https://app.example:444", "a.example", false},
		{listed, "https://x.app.example", "a.example", false},
		{listed, "http://dev.example", "a.example", false},
		{listed, "null", "a.example", false},
		{[]string{"null"}, "null", "a.example", true},
		{[]string{"null"}, "", "a.example", false},
		{[]string{"*"}, "http://evil.example", "a.example", true},
		{[]string{"*"}, "null", "a.example", true},
	} {
		o, err := auth.ParseOrigins(c.list)
		if err != nil {
			t.Fatal(err)
		}
		err = o.Check(c.origin, c.host)
		if (err == nil) != c.allowed || err != nil && !errors.Is(err, auth.ErrOrigin) {
			t.Errorf("list %q, origin %q, host %q: got %v; want allowed: %t", c.list, c.origin, c.host, err, c.allowed)
		}
	}
}

func TestParseOrigins_Refuses(t *testing.T) {
	for _, item := range []string{
		"", "a.example", "https://", "https://a.example/", "https://a.example/path", "https://*.example", "://a",
		"https://a.example:", "https://a.example:0", "https://a.example:65536", "https://a.example:x", "https://u@a.example",
		"https://[::1", "https://::1", "https://é.example", "NULL", "https://a b",
	} {
		if _, err := auth.ParseOrigins([]string{item}); err == nil {
			t.Errorf("%q: taken for an origin", item)
		}
	}
}

// A page may connect to the host that it is from, however either is spelt, and to no
// other unless it is listed.
func TestOrigins_Property(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z]{1,4}(\.[a-z]{1,3})?`)
		scheme := rapid.SampledFrom([]string{"http", "https"}).Draw(t, "scheme")
		implied := map[string]int{"http": 80, "https": 443}[scheme]
		ports := rapid.SampledFrom([]int{80, 443, 8080})
		spell := func(label, host string, port int) string {
			if port != implied || rapid.Bool().Draw(t, label+" port") {
				host += ":" + strconv.Itoa(port)
			}
			if rapid.Bool().Draw(t, label+" case") {
				host = strings.ToUpper(host)
			}
			return host
		}
		pageName, pagePort := name.Draw(t, "page"), ports.Draw(t, "page port")
		hostName, hostPort := name.Draw(t, "host"), ports.Draw(t, "host port")
		if rapid.Bool().Draw(t, "same") {
			hostName, hostPort = pageName, pagePort
		}
		page := scheme + "://" + spell("page", pageName, pagePort)
		host := spell("host", hostName, hostPort)
		same := pageName == hostName && pagePort == hostPort

		if got := (auth.Origins{}).Check(page, host) == nil; got != same {
			t.Fatalf("origin %q, host %q: allowed %t, want %t", page, host, got, same)
		}
		o, err := auth.ParseOrigins([]string{scheme + "://" + spell("listed", pageName, pagePort)})
		if err != nil || o.Check(page, host) != nil {
			t.Fatalf("origin %q is listed and refused: %v", page, err)
		}
	})
}
