package remote_test

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/presenced/presence/services/remote"
)

func proxies(t testing.TB, list ...string) remote.Proxies {
	t.Helper()
	p, err := remote.ParseProxies(list)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// one is a header field that stands once, or not at all.
func one(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

func TestProxies_Client(t *testing.T) {
	p := proxies(t, "10.0.0.0/8", "2001:db8:1::/48", "192.0.2.9")
	for name, c := range map[string]struct {
		peer, xff, forwarded, want string
	}{
		"no header":              {"10.0.0.1", "", "", "10.0.0.1"},
		"client":                 {"10.0.0.1", "203.0.113.7", "", "203.0.113.7"},
		"client of IPv6":         {"10.0.0.1", "2001:db8::7", "", "2001:db8::7"},
		"mapped peer":            {"::ffff:10.0.0.1", "203.0.113.7", "", "203.0.113.7"},
		"mapped client":          {"10.0.0.1", "::ffff:203.0.113.7", "", "203.0.113.7"},
		"proxy of IPv6":          {"2001:db8:1::5", "203.0.113.7", "", "203.0.113.7"},
		"single address":         {"192.0.2.9", "203.0.113.7", "", "203.0.113.7"},
		"peer that is no proxy":  {"203.0.113.9", "203.0.113.7", "for=203.0.113.7", "203.0.113.9"},
		"invented by the client": {"10.0.0.1", "1.1.1.1, 203.0.113.7", "", "203.0.113.7"},
		"several proxies":        {"10.0.0.1", "1.1.1.1, 203.0.113.7 ,10.0.0.3,\t192.0.2.9", "", "203.0.113.7"},
		"all are proxies":        {"10.0.0.1", "10.0.0.4, 10.0.0.3", "", "10.0.0.4"},
		"with a port":            {"10.0.0.1", "203.0.113.7:4711", "", "203.0.113.7"},
		"IPv6 with a port":       {"10.0.0.1", "[2001:db8::7]:4711", "", "2001:db8::7"},
		"IPv6 in brackets":       {"10.0.0.1", "[2001:db8::7]", "", "2001:db8::7"},
		"nonsense":               {"10.0.0.1", "<script>", "", "10.0.0.1"},
		"nonsense at the end":    {"10.0.0.1", "203.0.113.7, x", "", "10.0.0.1"},
		"nonsense in between":    {"10.0.0.1", "203.0.113.7, x, 10.0.0.3", "", "10.0.0.3"},
		"nonsense of the client": {"10.0.0.1", "x, 203.0.113.7", "", "203.0.113.7"},
		"nothing at the end":     {"10.0.0.1", "203.0.113.7,", "", "10.0.0.1"},
		"a zone":                 {"10.0.0.1", "fe80::1%eth0", "", "10.0.0.1"},
		"a bad port":             {"10.0.0.1", "203.0.113.7:http", "", "10.0.0.1"},
		"a port too long":        {"10.0.0.1", "203.0.113.7:123456", "", "10.0.0.1"},
		"IPv4 in brackets":       {"10.0.0.1", "[203.0.113.7]", "", "10.0.0.1"},

		"Forwarded":                    {"10.0.0.1", "", "for=203.0.113.7", "203.0.113.7"},
		"Forwarded, RFC 7239 example":  {"10.0.0.1", "", `for=192.0.2.43, For="[2001:db8:cafe::17]"`, "2001:db8:cafe::17"},
		"Forwarded, IPv6 and port":     {"10.0.0.1", "", `proto=https;FOR="[2001:db8::7]:4711";by=_gw`, "2001:db8::7"},
		"Forwarded, port without mark": {"10.0.0.1", "", "for=203.0.113.7:4711", "203.0.113.7"},
		"Forwarded, hidden port":       {"10.0.0.1", "", `for="203.0.113.7:_p"`, "203.0.113.7"},
		"Forwarded, escaped":           {"10.0.0.1", "", `for="203\.0.113.\7"`, "203.0.113.7"},
		"Forwarded, several proxies":   {"10.0.0.1", "", `for=1.1.1.1, for=203.0.113.7;host="a,b;for=1.1.1.1" , for=10.0.0.3`, "203.0.113.7"},
		"Forwarded, unknown":           {"10.0.0.1", "", "for=203.0.113.7, for=unknown", "10.0.0.1"},
		"Forwarded, hidden":            {"10.0.0.1", "", "for=203.0.113.7, for=_SEVKISEK, for=10.0.0.3", "10.0.0.3"},
		"Forwarded, without for":       {"10.0.0.1", "", "for=203.0.113.7, proto=http", "10.0.0.1"},
		"Forwarded, for twice":         {"10.0.0.1", "", "for=203.0.113.7;for=203.0.113.8", "10.0.0.1"},
		"Forwarded, open quote":        {"10.0.0.1", "", `for=1.1.1.1, for="x, for=203.0.113.7`, "10.0.0.1"},
		"Forwarded, quote that a proxy closes": {"10.0.0.1", "",
			`for=1.1.1.1;x=", for="203.0.113.7"`, "10.0.0.1"},
		"Forwarded, no comma behind a quote":     {"10.0.0.1", "", `for="203.0.113.7"for=1.1.1.1`, "10.0.0.1"},
		"Forwarded, quote within a value":        {"10.0.0.1", "", `for=1.1.1.1"`, "10.0.0.1"},
		"Forwarded, nothing after an escape":     {"10.0.0.1", "", `for="1.1.1.1\`, "10.0.0.1"},
		"Forwarded, no equals sign":              {"10.0.0.1", "", "for", "10.0.0.1"},
		"Forwarded, no value":                    {"10.0.0.1", "", "for=", "10.0.0.1"},
		"Forwarded, no name":                     {"10.0.0.1", "", "=203.0.113.7", "10.0.0.1"},
		"Forwarded, space before the equals":     {"10.0.0.1", "", "for =203.0.113.7", "10.0.0.1"},
		"Forwarded, an element without anything": {"10.0.0.1", "", "for=203.0.113.7,", "10.0.0.1"},

		"both agree":                       {"10.0.0.1", "203.0.113.7", "for=203.0.113.7", "203.0.113.7"},
		"both agree in another way":        {"10.0.0.1", "2.2.2.2, 203.0.113.7, 10.0.0.3", "for=203.0.113.7", "203.0.113.7"},
		"Forwarded invented by the client": {"10.0.0.1", "203.0.113.7", "for=1.1.1.1", "10.0.0.1"},
		"X-Forwarded-For invented":         {"10.0.0.1", "1.1.1.1", "for=203.0.113.7", "10.0.0.1"},
		"nonsense beside a good one":       {"10.0.0.1", "203.0.113.7", "x", "10.0.0.1"},
	} {
		got := p.Client(netip.MustParseAddr(c.peer), one(c.xff), one(c.forwarded))
		if got != netip.MustParseAddr(c.want) {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

// Fields of one name are one list, in the order in which they came; one that cannot be
// read spoils nothing that stands behind it.
func TestProxies_Client_SeveralFields(t *testing.T) {
	p, peer := proxies(t, "10.0.0.0/8"), netip.MustParseAddr("10.0.0.1")
	for want, fields := range map[string][]string{
		"203.0.113.7": {"1.1.1.1", "203.0.113.7", "10.0.0.3"},
		"203.0.113.8": {`"`, "203.0.113.8"},
		"10.0.0.1":    {"203.0.113.9", ""},
	} {
		if got := p.Client(peer, fields, nil); got.String() != want {
			t.Errorf("X-Forwarded-For %q: %v, want %s", fields, got, want)
		}
		elements := make([]string, len(fields))
		for i, f := range fields {
			elements[i] = "for=" + f
		}
		if got := p.Client(peer, nil, elements); got.String() != want {
			t.Errorf("Forwarded %q: %v, want %s", elements, got, want)
		}
	}
}

func TestProxies_Zero(t *testing.T) {
	var p remote.Proxies
	peer := netip.MustParseAddr("127.0.0.1")
	if got := p.Client(peer, []string{"203.0.113.7"}, nil); got != peer {
		t.Errorf("nobody is trusted, and the client is %v", got)
	}
	if got := proxies(t, "127.0.0.1").Client(netip.Addr{}, []string{"203.0.113.7"}, nil); got.IsValid() {
		t.Errorf("a peer without an address is %v", got)
	}
}

func TestParseProxies_Refuses(t *testing.T) {
	for item, says := range map[string]string{
		"": "no proxy", "proxy.example": "no proxy", "10.0.0.0/33": "no proxy", "10.0.0.1:80": "no proxy", "fe80::1%eth0": "no proxy",
		"::ffff:10.0.0.0/104": "no proxy", "10.0.0.1/8": "10.0.0.0/8", "2001:db8::1/32": "2001:db8::/32", "0.0.0.0/0": "all addresses", "::/0": "all addresses",
	} {
		if _, err := remote.ParseProxies([]string{"10.0.0.0/8", item}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want an error that says %q", item, err, says)
		}
	}
}

// Whatever a client has written before, it cannot choose who it is: the client is whom
// the proxies have added, or a proxy.
func TestProxies_Client_CannotBeInvented(t *testing.T) {
	p := proxies(t, "10.0.0.0/8")
	rapid.Check(t, func(t *rapid.T) {
		invented := rapid.OneOf(
			rapid.StringMatching(`(for=|, |;|"|\\|x=|1\.1\.1\.1|10\.0\.0\.7| |\[::1\])*`),
			rapid.String(),
		)
		own := rapid.SampledFrom([]string{"203.0.113.7", "[2001:db8::7]", "10.0.0.9"}).Draw(t, "client")
		addr := netip.MustParseAddr(strings.Trim(own, "[]"))
		element := rapid.SampledFrom([]string{"for=" + own, `for="` + own + `"`, `for="` + own + `:80";proto="https"`, `by="_a";for="` + own + `"`}).Draw(t, "element")
		add := func(label, what string) []string {
			var lines []string
			text := invented.Draw(t, label)
			switch {
			case !rapid.Bool().Draw(t, label+" there"):
				lines = []string{what}
			case rapid.Bool().Draw(t, label+" apart"):
				lines = []string{text, what}
			default:
				lines = []string{text + ", " + what}
			}
			return lines
		}
		peer := netip.MustParseAddr("10.0.0.1")
		xff, forwarded := add("x-forwarded-for", own), add("forwarded", element)
		for _, got := range []netip.Addr{
			p.Client(peer, xff, nil), p.Client(peer, nil, forwarded), p.Client(peer, xff, forwarded),
			p.Client(peer, xff, []string{invented.Draw(t, "let through")}),
			p.Client(peer, []string{invented.Draw(t, "let through")}, forwarded),
		} {
			// A client on a listed proxy can say what it likes: it is trusted.
			if got != addr && !p.Trusts(got) && !p.Trusts(addr) {
				t.Fatalf("x-forwarded-for %q, forwarded %q: %v", xff, forwarded, got)
			}
		}
	})
}

// FuzzProxies_Client holds that nothing in a header makes it fail, and that the answer
// is an address without a zone.
func FuzzProxies_Client(f *testing.F) {
	f.Add("203.0.113.7, 10.0.0.3", `for="[2001:db8::7]:4711";proto=https, for=_hidden`)
	f.Add(`[::1]:80`, `for="\"`)
	f.Add("", "for=;,=")
	p := proxies(f, "10.0.0.0/8", "::1")
	peer := netip.MustParseAddr("10.0.0.1")
	f.Fuzz(func(t *testing.T, xff, forwarded string) {
		got := p.Client(peer, one(xff), one(forwarded))
		if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Fatalf("client %v", got)
		}
	})
}
