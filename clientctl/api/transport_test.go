package api

import (
	"net/http"
	"net/url"
	"testing"
)

// A connect, and a handshake after it, have bounds of their own: an answer may take long, but
// nobody waits for minutes where nothing answers at all.
func TestClient_connects_within_a_bound(t *testing.T) {
	c := New(new(url.URL), "")
	for _, when := range []string{"new", "trusting"} {
		tr, ok := c.http.Transport.(*http.Transport)
		if !ok || tr.DialContext == nil || tr.TLSHandshakeTimeout <= 0 || tr.TLSHandshakeTimeout >= timeout {
			t.Errorf("%s: %+v", when, tr)
		}
		c.Trust(nil)
	}
}
