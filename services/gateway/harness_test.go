package gateway

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// patient bounds every wait of the tests: reached only by a fault.
const patient = 20 * time.Second

// eventually waits until the condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(patient)
	defer deadline.Stop()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("waited %v in vain: %s", patient, what)
		}
	}
}

// masked returns a client's frame.
func masked(fin bool, op ws.OpCode, payload string) []byte {
	mask := [4]byte{1, 2, 3, 0xf0}
	b := appendFrame(nil, op, []byte(payload))
	if !fin {
		b[0] &^= finBit
	}
	n := len(b) - len(payload)
	b[1] |= maskBit
	body := []byte(payload)
	ws.Cipher(body, mask, 0)
	return append(append(b[:n:n], mask[:]...), body...)
}

func text(payload string) []byte { return masked(true, ws.OpText, payload) }

// goodbye returns a client's close frame.
func goodbye(code ws.StatusCode, reason string) []byte {
	return masked(true, ws.OpClose, string(binary.BigEndian.AppendUint16(nil, uint16(code)))+reason)
}

// join puts frames one behind the other.
func join(frames ...[]byte) (all []byte) {
	for _, f := range frames {
		all = append(all, f...)
	}
	return all
}

// repeat returns a text of n bytes.
func repeat(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + i%26)
	}
	return string(b)
}

// cuts returns p in pieces of random sizes.
func cuts(r *rand.Rand, p []byte) (pieces [][]byte) {
	for len(p) > 0 {
		n := 1 + r.IntN(min(len(p), 1+r.IntN(40)))
		pieces = append(pieces, p[:n])
		p = p[n:]
	}
	return pieces
}
