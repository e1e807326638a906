package main

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/presenced/presence/services/presence"
)

// knock connects as user 42 with header fields. It returns the status and the text of
// the answer.
func knock(t *testing.T, tg *target, fields http.Header) (status int, text string) {
	t.Helper()
	return knockAs(t, tg, "42", fields)
}

// knockAs is knock by another user.
func knockAs(t *testing.T, tg *target, user string, fields http.Header) (status int, text string) {
	t.Helper()
	d := ws.Dialer{
		Header: ws.HandshakeHeaderHTTP(fields),
		OnStatusError: func(_ int, _ []byte, r io.Reader) {
			body, _ := io.ReadAll(r)
			text = string(body)
		},
	}
	conn, _, _, err := d.Dial(t.Context(), tg.ws+"/?user="+url.QueryEscape(user))
	var refused ws.StatusError
	switch {
	case err == nil:
		_ = conn.Close()
		return http.StatusSwitchingProtocols, ""
	case !errors.As(err, &refused):
		t.Fatal(err)
	}
	return int(refused), text
}

func TestDoor_Origin(t *testing.T) {
	tg := start(t, embeddedBackend(t), "--allowed-origins", "https://app.example")
	own := "http" + strings.TrimPrefix(tg.ws, "ws")
	for _, c := range []struct {
		origins []string
		status  int
	}{
		{nil, http.StatusSwitchingProtocols},
		{[]string{own}, http.StatusSwitchingProtocols},
		{[]string{"https://app.example"}, http.StatusSwitchingProtocols},
		{[]string{"https://evil.example"}, http.StatusForbidden},
		{[]string{"null"}, http.StatusForbidden},
		{[]string{own, "https://evil.example"}, http.StatusForbidden},
	} {
		status, text := knock(t, tg, http.Header{"Origin": c.origins})
		if status != c.status || status == http.StatusForbidden && !strings.Contains(text, "ALLOWED_ORIGINS") {
			t.Errorf("origins %q: got %d %q, want %d", c.origins, status, text, c.status)
		}
	}
}

// What lets anybody in as anybody is said when the server starts.
func TestDoor_Warnings(t *testing.T) {
	const users, pages = "users are not authenticated", "every web page may connect"
	if log := start(t, embeddedBackend(t)).log.String(); !strings.Contains(log, users) || strings.Contains(log, pages) {
		t.Errorf("the log without settings:\n%s", log)
	}
	if log := start(t, embeddedBackend(t), "--allowed-origins", "*").log.String(); !strings.Contains(log, pages) {
		t.Errorf("the log with every origin allowed:\n%s", log)
	}
}

// The text of a refusal is one line, whoever refuses.
func TestDoor_RefusalIsOneLine(t *testing.T) {
	tg := start(t, embeddedBackend(t), "--queue", "2")
	dial(t, tg, "first")
	for path, want := range map[string]struct {
		fields []string
		status int
		text   string
	}{
		"/":             {nil, 400, "say who you are: add ?user=NAME to the address\n"},
		"/chat":         {nil, 404, "connect to / or /ws, not to another path\n"},
		"/?user=pushed": {nil, 503, presence.ErrFull.Error() + "\n"},
		"/?user=page":   {[]string{"Origin: null"}, 403, ""},
		"/?user=second": {[]string{"Host: y"}, 400, "the upgrade request is malformed (RFC 6455, section 4.2.1)\n"},
	} {
		a := request(t, tg, path, want.fields...)
		if a.StatusCode != want.status || want.text != "" && a.text != want.text || strings.Count(a.text, "\n") != 1 || !strings.HasSuffix(a.text, "\n") {
			t.Errorf("%s: %d %q, want %d %q", path, a.StatusCode, a.text, want.status, want.text)
		}
	}
}
