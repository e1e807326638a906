package remote

import (
	"net/netip"
	"strings"
)

// whitespace is what may stand around the items of a list. RFC 9110, section 5.6.3.
const whitespace = " \t"

// hops are the addresses that values name, from the client to the last proxy. One that
// is not valid stands for what is no address, or cannot be read.
func hops(values []string, read func(value string) []netip.Addr) (all []netip.Addr) {
	for _, v := range values {
		all = append(all, read(v)...)
	}
	return all
}

// listed reads a value of X-Forwarded-For: addresses with commas between.
func listed(value string) (all []netip.Addr) {
	for item := range strings.SplitSeq(value, ",") {
		all = append(all, node(strings.Trim(item, whitespace)))
	}
	return all
}

// elements reads a value of Forwarded, an address for each of its elements. RFC 7239,
// section 4. Of a value that breaks the syntax nothing is believed: where a quote is
// left open, what a proxy has added cannot be told from what it was added to.
func elements(value string) (all []netip.Addr) {
	s := scanner{value}
	for {
		addr, ok := s.element()
		if !ok {
			return []netip.Addr{{}}
		}
		all = append(all, addr)
		if s.rest == "" {
			return all
		}
		if !s.skip(',') { // something stands right behind a quote
			return []netip.Addr{{}}
		}
	}
}

// scanner is what is left of a value.
type scanner struct{ rest string }

func (s *scanner) skip(c byte) bool {
	s.rest = strings.TrimLeft(s.rest, whitespace)
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = strings.TrimLeft(s.rest[1:], whitespace)
	return true
}

// element reads pairs up to a comma or the end, and returns the address of "for".
func (s *scanner) element() (addr netip.Addr, ok bool) {
	seen := false
	for {
		name, value, ok := s.pair()
		if !ok {
			return netip.Addr{}, false
		}
		if strings.EqualFold(name, "for") {
			if seen {
				return netip.Addr{}, false // each at most once
			}
			seen, addr = true, node(value)
		}
		if !s.skip(';') {
			return addr, true
		}
	}
}

// pair reads name=value.
func (s *scanner) pair() (name, value string, ok bool) {
	s.rest = strings.TrimLeft(s.rest, whitespace)
	end := strings.IndexAny(s.rest, "=;,\" \t")
	if end <= 0 || s.rest[end] != '=' {
		return "", "", false
	}
	name, s.rest = s.rest[:end], s.rest[end+1:]
	if strings.HasPrefix(s.rest, `"`) {
		value, ok = s.quoted()
	} else {
		value, ok = s.bare()
	}
	s.rest = strings.TrimLeft(s.rest, whitespace)
	return name, value, ok
}

// bare reads a value without quotes: also one that should have them, for its colon.
func (s *scanner) bare() (string, bool) {
	end := strings.IndexAny(s.rest, ";,\"= \t")
	if end < 0 {
		end = len(s.rest)
	}
	value := s.rest[:end]
	s.rest = s.rest[end:]
	return value, value != ""
}

// quoted reads a quoted string. RFC 9110, section 5.6.4.
func (s *scanner) quoted() (string, bool) {
	var b strings.Builder
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; c {
		case '"':
			s.rest = s.rest[i+1:]
			return b.String(), true
		case '\\':
			i++
			if i < len(s.rest) {
				b.WriteByte(s.rest[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

// node is the address of a node, with or without a port: 192.0.2.1, 192.0.2.1:80,
// 2001:db8::1, [2001:db8::1], [2001:db8::1]:80. It is not valid for one that has no
// address, "unknown" or "_hidden" of RFC 7239, section 6, and for what is none at all.
func node(s string) netip.Addr {
	host, port := s, ""
	switch end := strings.LastIndexByte(s, ']'); {
	case strings.HasPrefix(s, "[") && end > 0:
		host, port = s[1:end], s[end+1:]
		if !strings.Contains(host, ":") {
			return netip.Addr{}
		}
	case strings.Count(s, ":") == 1:
		colon := strings.IndexByte(s, ':')
		host, port = s[:colon], s[colon:]
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Zone() != "" || !isPort(port) {
		return netip.Addr{}
	}
	return plain(addr)
}

// isPort reports whether s is nothing, or a colon and a port or a name in its place.
func isPort(s string) bool {
	if s == "" {
		return true
	}
	port, ok := strings.CutPrefix(s, ":")
	return ok && port != "" && (port[0] == '_' || len(port) <= 5 && strings.Trim(port, "0123456789") == "")
}
