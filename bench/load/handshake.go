package load

import (
	"bytes"
	"errors"
	"fmt"
)

// The key of every handshake and what RFC 6455 section 1.3 makes of it.
const (
	key    = "dGhlIHNhbXBsZSBub25jZQ=="
	accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// maxAnswer bounds the answer to a handshake, in bytes.
const maxAnswer = 4 << 10

// appendRequest appends the upgrade request of a user, whose name needs no escape.
func appendRequest(b []byte, host, user string) []byte {
	return fmt.Appendf(b, "GET /?user=%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", user, host, key)
}

// errRefused is wrapped with the server's answer when it is not 101.
var errRefused = errors.New("the server refused the handshake")

// judge reads an answer to a handshake. n is its size, or 0 if it is not complete.
func judge(p []byte) (n int, err error) {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 {
		if len(p) >= maxAnswer {
			return 0, fmt.Errorf("%w: an answer without an end", errRefused)
		}
		return 0, nil
	}
	status, fields, _ := bytes.Cut(p[:end], []byte("\r\n"))
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 101 ")) {
		return 0, fmt.Errorf("%w: %s", errRefused, status)
	}
	if !bytes.Contains(fields, []byte(accept)) {
		return 0, fmt.Errorf("%w: the wrong Sec-WebSocket-Accept", errRefused)
	}
	return end + 4, nil
}
