package remote

import (
	"net/netip"
	"testing"
)

func TestDetail_Of_keeps_no_more_than_it_says(t *testing.T) {
	for _, c := range []struct{ addr, full, prefix string }{
		{"203.0.113.77", "203.0.113.77", "203.0.113.0"},
		{"::ffff:203.0.113.77", "203.0.113.77", "203.0.113.0"},
		{"127.0.0.1", "127.0.0.1", "127.0.0.0"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1::"},
		{"fe80::1:2%eth0", "fe80::1:2", "fe80::"},
		{"::ffff:10.1.2.3%lan", "10.1.2.3", "10.1.2.0"},
		{"::1", "::1", "::"},
	} {
		addr := netip.MustParseAddr(c.addr)
		for d, want := range map[Detail]string{Full: c.full, Prefix: c.prefix, None: ""} {
			if got := d.Of(addr); got != want {
				t.Errorf("%s of %s is %q, want %q", d, c.addr, got, want)
			}
		}
	}
	for d := Prefix; d <= None; d++ {
		if got := d.Of(netip.Addr{}); got != "" {
			t.Errorf("%s of no address is %q", d, got)
		}
	}
}

func TestParseDetail(t *testing.T) {
	for d := Prefix; d <= None; d++ {
		if got, err := ParseDetail(d.String()); got != d || err != nil {
			t.Errorf("%s: %s, %v", d, got, err)
		}
	}
	for _, word := range []string{"", "Full", "all", "/24"} {
		if d, err := ParseDetail(word); err == nil {
			t.Errorf("%q is %s", word, d)
		}
	}
}
