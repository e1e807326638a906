package gateway

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// preamble returns a header of version 2: a command, a family, and what follows.
func preamble(command, family byte, rest ...[]byte) []byte {
	body := join(rest...)
	b := append([]byte("\x0D\x0A\x0D\x0A\x00\x0D\x0A\x51\x55\x49\x54\x0A"), command, family)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(body))), body...)
}

// between returns the addresses and ports of a preamble.
func between(from, to string) []byte {
	a, b := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	all := append(a.Addr().AsSlice(), b.Addr().AsSlice()...)
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(all, a.Port()), b.Port())
}

// The families of section 2.2, and their addresses.
var (
	tcp4      = between("203.0.113.7:56324", "192.0.2.1:443")
	tcp6      = between("[2001:db8::7]:56324", "[2001:db8::1]:443")
	unixAddrs = make([]byte, 216)
	tlvs      = append([]byte{0x01, 0, 2, 'h', '2', 0x03, 0, 4, 1, 2, 3, 4, 0xEA, 0, 3}, "abc"...) // ALPN, a wrong CRC32C, a cloud's own
)

var preambleCases = []struct {
	name   string
	in     []byte
	client string // "": the peer's own address counts
	err    error
}{
	{"TCP over IPv4", preamble(0x21, 0x11, tcp4), "203.0.113.7:56324", nil},
	{"TCP over IPv6", preamble(0x21, 0x21, tcp6), "[2001:db8::7]:56324", nil},
	{"UDP over IPv4", preamble(0x21, 0x12, tcp4), "203.0.113.7:56324", nil},
	{"UDP over IPv6", preamble(0x21, 0x22, tcp6), "[2001:db8::7]:56324", nil},
	{"IPv4 within IPv6", preamble(0x21, 0x21, between("[::ffff:203.0.113.7]:1", "[::1]:2")), "203.0.113.7:1", nil},
	{"UNIX stream", preamble(0x21, 0x31, unixAddrs), "", nil},
	{"UNIX datagram", preamble(0x21, 0x32, unixAddrs), "", nil},
	{"TLVs behind IPv4", preamble(0x21, 0x11, tcp4, tlvs), "203.0.113.7:56324", nil},
	{"TLVs behind IPv6", preamble(0x21, 0x21, tcp6, tlvs), "[2001:db8::7]:56324", nil},
	{"half a TLV", preamble(0x21, 0x11, tcp4, tlvs[:4]), "203.0.113.7:56324", nil},
	{"the longest", preamble(0x21, 0x11, tcp4, make([]byte, maxPreamble-16-12)), "203.0.113.7:56324", nil},
	{"LOCAL", preamble(0x20, 0x00), "", nil},
	{"LOCAL with bytes to skip", preamble(0x20, 0x00, tcp4, tlvs), "", nil},
	{"LOCAL ignores the family", preamble(0x20, 0xff, tcp4), "", nil},
	{"UNSPEC", preamble(0x21, 0x00), "", nil},
	{"UNSPEC ignores addresses", preamble(0x21, 0x00, tcp4), "", nil},
	{"family without a protocol", preamble(0x21, 0x10, tcp4), "", nil},
	{"protocol without a family", preamble(0x21, 0x01, tcp4), "", nil},

	{"command 2", preamble(0x22, 0x11, tcp4), "", errPreambleForm},
	{"command 15", preamble(0x2f, 0x11, tcp4), "", errPreambleForm},
	{"version 1 in binary", preamble(0x11, 0x11, tcp4), "", errPreambleForm},
	{"version 3", preamble(0x31, 0x11, tcp4), "", errPreambleForm},
	{"family 4", preamble(0x21, 0x41, tcp4), "", errPreambleForm},
	{"protocol 3", preamble(0x21, 0x13, tcp4), "", errPreambleForm},
	{"IPv4 with too few bytes", preamble(0x21, 0x11, tcp4[:11]), "", errPreambleForm},
	{"IPv6 with the length of IPv4", preamble(0x21, 0x21, tcp4), "", errPreambleForm},
	{"UNIX with too few bytes", preamble(0x21, 0x31, unixAddrs[:215]), "", errPreambleForm},
	{"a byte too long", preamble(0x21, 0x11, tcp4, make([]byte, maxPreamble-16-12+1)), "", errPreambleLength},
	{"LOCAL, too long", preamble(0x20, 0x00, make([]byte, 65535)), "", errPreambleLength},

	{"version 1", []byte("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"), "", errPreambleV1},
	{"version 1, unknown", []byte("PROXY UNKNOWN\r\n"), "", errPreambleV1},
	{"a request", []byte("GET / HTTP/1.1\r\n\r\n"), "", errNoPreamble},
	{"a TLS client", []byte("\x16\x03\x01\x02\x00\x01"), "", errNoPreamble},
	{"empty lines and a request", []byte("\r\n\r\nGET / HTTP/1.1\r\n"), "", errNoPreamble},
	{"a signature with a wrong end", []byte("\r\n\r\n\x00\r\nQUIT\r!\x11\x00\x00"), "", errNoPreamble},
}

// Every preamble is read the same, whatever follows it and however it is cut: each
// beginning asks for at least one byte more and for none beyond the preamble's end.
func TestReadPreamble(t *testing.T) {
	for _, c := range preambleCases {
		t.Run(c.name, func(t *testing.T) {
			for _, in := range [][]byte{c.in, join(c.in, []byte("GET / HTTP/1.1\r\n"))} {
				client, size, err := readPreamble(in)
				if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
					t.Fatalf("error %v, want %v", err, c.err)
				}
				if err != nil {
					if !errors.Is(err, errPreamble) || !strings.HasPrefix(err.Error(), errPreamble.Error()) {
						t.Errorf("error %v does not say what is wanted", err)
					}
					return
				}
				want := netip.AddrPort{}
				if c.client != "" {
					want = netip.MustParseAddrPort(c.client)
				}
				if client != want || size != len(c.in) {
					t.Fatalf("%v and %d bytes, want %v and %d", client, size, want, len(c.in))
				}
			}
			for n := range len(c.in) {
				client, size, err := readPreamble(c.in[:n])
				if err != nil || client.IsValid() || size <= n || size > len(c.in) {
					t.Fatalf("the first %d bytes: %v, %d, %v", n, client, size, err)
				}
			}
		})
	}
}

// FuzzReadPreamble holds that a verdict does not depend on the cuts: what is whole is
// read by what asks for no more, and what is refused early is refused as a whole.
func FuzzReadPreamble(f *testing.F) {
	for _, c := range preambleCases {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		client, size, err := readPreamble(in)
		if err == nil && (size <= 0 || size > maxPreamble || client.IsValid() && len(in) < size) {
			t.Fatalf("%v, %d bytes of %d", client, size, len(in))
		}
		for want := 1; ; {
			if want > len(in) {
				return // it would wait for the rest
			}
			c, s, e := readPreamble(in[:want])
			if e != nil {
				if err == nil {
					t.Fatalf("cut at %d: %v, and as a whole it is well", want, e)
				}
				return
			}
			if s <= want {
				if c != client || s != size || s != want || err != nil {
					t.Fatalf("cut at %d: %v %d, and as a whole %v %d %v", want, c, s, client, size, err)
				}
				return
			}
			want = s
		}
	})
}

// Where a client's first bytes are, no HTTP request can be taken for a preamble.
func TestPreamble_is_no_request(t *testing.T) {
	if looksLikeHTTP(preambleSignature[0]) {
		t.Error("a preamble from an address that is no proxy's is waited for")
	}
	if bytes.Contains([]byte(preambleSignature), []byte("HTTP")) || len(preambleSignature) != 12 {
		t.Errorf("signature %q", preambleSignature)
	}
}
