package fault

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Door is one of the two addresses that a server has. The set is closed.
type Door uint8

// The doors.
const (
	Clients   Door = iota // where clients connect: --ws
	Operators             // the operator's API: --admin
)

// Answer is an answer that is not the one that was asked for.
type Answer struct {
	Status     int
	Text       string        // what it says, for people or for programs
	Location   string        // where it says to go instead
	RetryAfter time.Duration // 0: it does not say
	Ours       bool          // it is an error message of a presence server
	Token      bool          // a token was shown
}

// Advice says in a few words what to do about an answer; "": the answer says it itself.
func Advice(d Door, a Answer) string {
	switch {
	case a.Status == http.StatusBadRequest && !a.Ours && wantsTLS(a.Text):
		return "this port speaks TLS: write " + d.secure() + " in place of " + d.plain()
	case a.Status/100 == 3:
		return d.redirected(a.Location)
	case a.Status == http.StatusTooManyRequests, a.Status/100 == 5 && a.RetryAfter > 0:
		return later(d, a.RetryAfter)
	case a.Status == http.StatusServiceUnavailable && !a.Ours, a.Status == http.StatusBadGateway, a.Status == http.StatusGatewayTimeout:
		return later(d, 0) + "; if it stays so, check that the server runs, and what stands before it"
	}
	if d == Operators {
		return operators(a)
	}
	return clients(a)
}

// wantsTLS reports whether a text is that of a server that was spoken to without TLS.
func wantsTLS(text string) bool {
	return strings.Contains(text, "speaks TLS") || strings.Contains(text, "HTTPS server") || strings.Contains(text, "HTTPS port")
}

func later(d Door, wait time.Duration) string {
	retry := ""
	if d == Clients {
		retry = ", or let connect do so with --retry"
	}
	if wait > 0 {
		return fmt.Sprintf("try again in %s%s", wait.Round(time.Second), retry)
	}
	return "try again in a moment" + retry
}

func operators(a Answer) string {
	switch {
	case a.Status == http.StatusUnauthorized && a.Token:
		return "the token that was given is another one"
	case a.Status == http.StatusUnauthorized && !a.Ours:
		return "what stands before the server wants to know who asks: ask the server itself (--admin or ADMIN)"
	case a.Status == http.StatusNotFound && a.Ours:
		return "this server does not know that question: is it older than this clientctl? Compare with clientctl version --server"
	case a.Ours, a.Status == http.StatusForbidden:
		return ""
	}
	return "this is not the operator's API, which is at http://127.0.0.1:8081 unless ADMIN_ADDR of the server says otherwise: check --admin or ADMIN"
}

func clients(a Answer) string {
	switch a.Status {
	case http.StatusBadRequest:
		if a.Token && strings.Contains(a.Text, "who you are") {
			return "this server takes no tokens (AUTH=none): give your name with --user"
		}
		return ""
	case http.StatusUnauthorized:
		if a.Token {
			return "get a new token (--token, TOKEN or TOKEN_FILE)"
		}
		return ""
	case http.StatusOK:
		return "this is a web server, but it opens no WebSocket here: check --ws or WS; the path is / or /ws"
	case http.StatusNotFound:
		if a.Ours {
			return "this is the operator's API; clients connect to another port, ws://localhost:8080 unless WS_PORT of the server says otherwise: check --ws or WS"
		}
		return "there is nothing at this path: check --ws or WS; the path is / or /ws"
	}
	return ""
}

func (d Door) plain() string  { return [...]string{Clients: "ws://", Operators: "http://"}[d] }
func (d Door) secure() string { return [...]string{Clients: "wss://", Operators: "https://"}[d] }

func (d Door) redirected(to string) string {
	setting := [...]string{Clients: "--ws or WS", Operators: "--admin or ADMIN"}[d]
	if to == "" {
		return "it sends elsewhere, and is not followed: check " + setting
	}
	return fmt.Sprintf("it sends to %.200q, and is not followed: if that is the server, give it with %s", to, setting)
}
