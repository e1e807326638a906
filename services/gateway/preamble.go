package gateway

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

// A preamble is the header of the PROXY protocol, version 2: what a proxy that does
// not speak HTTP sends before a client's first byte, to say whose it is. The sections
// named here are those of proxy-protocol.txt, the specification by HAProxy.
const (
	preambleSignature = "\r\n\r\n\x00\r\nQUIT\n"
	preambleV1        = "PROXY"                    // begins version 1, which is text
	preambleFixed     = len(preambleSignature) + 4 // and the command, the family, the length of the rest

	// maxPreamble bounds a preamble, in bytes. The addresses take at most 216, the rest
	// is what a proxy adds, such as the names in a client's certificate.
	maxPreamble = 4096
)

// What is wrong with a preamble. Each is told to the peer, and wraps errPreamble.
var (
	errPreamble       = errors.New("this address is a proxy's, which must begin with a header of the PROXY protocol, version 2")
	errNoPreamble     = preambleError(": there is none")
	errPreambleV1     = preambleError(", and not 1 (HAProxy: send-proxy-v2)")
	errPreambleForm   = preambleError(": its version, command, family or length is none that there is")
	errPreambleLength = preambleError(": it is too long")
)

// preambleError is an errPreamble that says more.
type preambleError string

func (e preambleError) Error() string { return errPreamble.Error() + string(e) }
func (preambleError) Unwrap() error   { return errPreamble }

// readPreamble reads the preamble that b begins with, or may come to begin with. size
// is its length as far as that is known: the whole preamble is there, and client is
// right, when b has size bytes; until then at least so many are needed, so a reader that
// asks for no more never reads beyond it. client is not valid where the preamble names
// none: the connection is the proxy's own, as for a health check, or of a kind without
// addresses. Additional data (TLVs) are skipped, their checksum too.
func readPreamble(b []byte) (client netip.AddrPort, size int, err error) {
	switch {
	case len(b) > 0 && begins(b, preambleV1):
		if len(b) < len(preambleV1) {
			return netip.AddrPort{}, len(preambleV1), nil // to be told which version it is
		}
		return netip.AddrPort{}, 0, errPreambleV1
	case !begins(b, preambleSignature):
		return netip.AddrPort{}, 0, errNoPreamble
	case len(b) < preambleFixed:
		return netip.AddrPort{}, preambleFixed, nil
	}
	command, family := b[12], b[13]
	rest := int(binary.BigEndian.Uint16(b[14:]))
	size = preambleFixed + rest
	switch {
	case size > maxPreamble:
		return netip.AddrPort{}, 0, errPreambleLength
	case command == localCommand:
		return netip.AddrPort{}, size, nil // whatever the family. Section 2.2
	case command != proxyCommand || !isFamily(family) || rest < addressesLen(family):
		return netip.AddrPort{}, 0, errPreambleForm
	case len(b) < size:
		return netip.AddrPort{}, size, nil
	}
	return sourceOf(family, b[preambleFixed:]), size, nil
}

// begins reports whether b begins with a mark, or is the beginning of it.
func begins(b []byte, mark string) bool {
	n := min(len(b), len(mark))
	return string(b[:n]) == mark[:n]
}

// The 13th byte: version 2 in its upper half, the command in its lower.
const (
	localCommand = 0x20
	proxyCommand = 0x21
)

// The 14th byte: the address family in its upper half, the protocol in its lower.
const (
	familyINET  = 0x1
	familyINET6 = 0x2
	familyUNIX  = 0x3

	protocolUnspecified = 0x0
	protocolDatagram    = 0x2
)

// isFamily reports whether both halves are assigned.
func isFamily(b byte) bool { return b>>4 <= familyUNIX && b&0xf <= protocolDatagram }

// addressesLen is how long the two addresses and ports are, 0 for no addresses.
func addressesLen(family byte) int {
	if family&0xf == protocolUnspecified {
		return 0
	}
	switch family >> 4 {
	case familyINET:
		return 2*4 + 2*2
	case familyINET6:
		return 2*16 + 2*2
	case familyUNIX:
		return 2 * 108
	}
	return 0
}

// sourceOf is the first of the two addresses, if it is one of the Internet.
func sourceOf(family byte, b []byte) netip.AddrPort {
	if family&0xf == protocolUnspecified {
		return netip.AddrPort{}
	}
	switch family >> 4 {
	case familyINET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b)), binary.BigEndian.Uint16(b[8:]))
	case familyINET6:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b)).Unmap(), binary.BigEndian.Uint16(b[32:]))
	}
	return netip.AddrPort{}
}
