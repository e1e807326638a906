package fault_test

import (
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/clientctl/fault"
)

func TestAdvice(t *testing.T) {
	tests := []struct {
		name   string
		answer fault.Answer
		want   map[fault.Door]string // a part of it; "" is no advice
	}{
		{"TLS is spoken there", fault.Answer{Status: 400, Text: "this port speaks TLS: connect with wss:// or https://"},
			map[fault.Door]string{fault.Clients: "write wss:// in place of ws://", fault.Operators: "write https:// in place of http://"}},
		{"TLS, says Go", fault.Answer{Status: 400, Text: "Client sent an HTTP request to an HTTPS server."},
			map[fault.Door]string{fault.Clients: "wss://", fault.Operators: "https://"}},
		{"TLS, says another", fault.Answer{Status: 400, Text: "The plain HTTP request was sent to HTTPS port"},
			map[fault.Door]string{fault.Clients: "wss://", fault.Operators: "https://"}},
		{"a bad request", fault.Answer{Status: 400, Ours: true, Text: "limit must be"}, map[fault.Door]string{fault.Clients: "", fault.Operators: ""}},
		{"a user is missing", fault.Answer{Status: 400, Text: "add ?user="}, map[fault.Door]string{fault.Clients: ""}},
		{"a token where none is taken", fault.Answer{Status: 400, Token: true, Text: "say who you are: add ?user=NAME to the address"},
			map[fault.Door]string{fault.Clients: "give your name with --user"}},
		{"the token is another one", fault.Answer{Status: 401, Ours: true, Token: true},
			map[fault.Door]string{fault.Clients: "get a new token", fault.Operators: "the token that was given is another one"}},
		{"a token is needed", fault.Answer{Status: 401, Ours: true}, map[fault.Door]string{fault.Clients: "", fault.Operators: ""}},
		{"a proxy wants to know", fault.Answer{Status: 401}, map[fault.Door]string{fault.Operators: "ask the server itself"}},
		{"not from here", fault.Answer{Status: 403, Ours: true}, map[fault.Door]string{fault.Clients: "", fault.Operators: ""}},
		{"the other door", fault.Answer{Status: 404, Ours: true}, map[fault.Door]string{
			fault.Clients: "this is the operator's API; clients connect to another port, ws://localhost:8080 unless", fault.Operators: "clientctl version --server"}},
		{"another server", fault.Answer{Status: 404, Text: "404 page not found"}, map[fault.Door]string{
			fault.Clients: "the path is / or /ws", fault.Operators: "this is not the operator's API, which is at http://127.0.0.1:8081 unless ADMIN_ADDR"}},
		{"a web page", fault.Answer{Status: 200}, map[fault.Door]string{fault.Clients: "it opens no WebSocket here"}},
		{"it is being done", fault.Answer{Status: 409, Ours: true}, map[fault.Door]string{fault.Operators: ""}},
		{"too old", fault.Answer{Status: 410, Ours: true}, map[fault.Door]string{fault.Operators: ""}},
		{"elsewhere", fault.Answer{Status: 301, Location: "https://x/\x1b"},
			map[fault.Door]string{fault.Clients: `it sends to "https://x/\x1b", and is not followed: if that is the server, give it with --ws or WS`, fault.Operators: "--admin or ADMIN"}},
		{"elsewhere, without saying where", fault.Answer{Status: 302}, map[fault.Door]string{fault.Clients: "check --ws or WS"}},
		{"no room", fault.Answer{Status: 503, RetryAfter: 7 * time.Second},
			map[fault.Door]string{fault.Clients: "try again in 7s, or let connect do so with --retry", fault.Operators: "try again in 7s"}},
		{"too often", fault.Answer{Status: 429}, map[fault.Door]string{fault.Clients: "try again in a moment", fault.Operators: "try again in a moment"}},
		{"the store is away", fault.Answer{Status: 503, Ours: true}, map[fault.Door]string{fault.Operators: ""}},
		{"a proxy without a server", fault.Answer{Status: 502}, map[fault.Door]string{fault.Clients: "check that the server runs, and what stands before it", fault.Operators: "what stands before it"}},
		{"the server failed", fault.Answer{Status: 500, Ours: true}, map[fault.Door]string{fault.Operators: ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for door, want := range tt.want {
				got := fault.Advice(door, tt.answer)
				if (got == "") != (want == "") || !strings.Contains(got, want) {
					t.Errorf("at door %d: %q, want %q in it", door, got, want)
				}
			}
		})
	}
}
