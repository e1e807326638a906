package gateway

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gobwas/ws"
)

// appendRefusal appends the HTTP response that turns a request away. The
// connection ends with it.
func appendRefusal(dst []byte, r Refusal) []byte {
	body := r.Body
	if body == "" {
		body = http.StatusText(r.Status)
	}
	body += "\n"
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(r.Status), 10)
	dst = append(dst, ' ')
	dst = append(dst, http.StatusText(r.Status)...)
	dst = append(dst, "\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	switch r.Status {
	case http.StatusMethodNotAllowed:
		dst = append(dst, "\r\nAllow: GET"...)
	case http.StatusUpgradeRequired:
		dst = append(dst, "\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"...)
	}
	if r.RetryAfter > 0 {
		dst = append(dst, "\r\nRetry-After: "...)
		dst = strconv.AppendInt(dst, int64((r.RetryAfter+time.Second-1)/time.Second), 10)
	}
	if r.Challenge != "" {
		dst = append(append(dst, "\r\nWWW-Authenticate: "...), r.Challenge...)
	}
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, body...)
}

// What the gateway itself refuses.
var (
	refusalNotHTTP   = Refusal{Status: http.StatusBadRequest, Body: "this port speaks HTTP and WebSocket, without TLS"}
	refusalNotHTTPS  = Refusal{Status: http.StatusBadRequest, Body: "this port speaks HTTP and WebSocket, over TLS"}
	refusalNoTLS     = Refusal{Status: http.StatusBadRequest, Body: "this port speaks TLS: connect with wss:// or https://"}
	refusalMalformed = Refusal{Status: http.StatusBadRequest, Body: "the upgrade request is malformed (RFC 6455, section 4.2.1)"}
	refusalVersion   = Refusal{Status: http.StatusUpgradeRequired, Body: "Sec-WebSocket-Version is missing: this server speaks version 13"}
	refusalHeader    = Refusal{Status: http.StatusRequestHeaderFieldsTooLarge, Body: "the request's header is too large"}
	refusalLate      = Refusal{Status: http.StatusRequestTimeout, Body: "the request's header did not arrive in time"}
	refusalFull      = Refusal{Status: http.StatusServiceUnavailable, Body: "too many connections, try again later", RetryAfter: time.Second}
	refusalLeaving   = Refusal{Status: http.StatusServiceUnavailable, Body: "the server is shutting down, try again", RetryAfter: time.Second}
)

// refusalOf is the answer to a request that the Upgrader found wrong.
func refusalOf(err error) Refusal {
	if errors.Is(err, ws.ErrHandshakeBadSecVersion) {
		return refusalVersion // the Upgrader calls no version at all a bad request
	}
	rejected, ok := err.(*ws.ConnectionRejectedError) //nolint:errorlint // never wrapped
	if !ok || rejected.StatusCode() == 0 {
		return refusalMalformed
	}
	return Refusal{Status: rejected.StatusCode(), Body: rejected.Error()}
}
