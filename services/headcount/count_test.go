package headcount

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// visit is a connection of a test.
type visit struct {
	user string
	addr netip.Addr
}

// A Count says in any order of coming, leaving and being refused what a list of those
// who are there says, and has an entry for nobody who is not there.
func TestCount_AgreesWithAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{rapid.IntRange(0, 4).Draw(t, "per user"), rapid.IntRange(0, 4).Draw(t, "per address")}
		c := New(limits)
		var inside []visit
		refused := uint64(0)
		like := func(same func(visit) bool) (n int) {
			for _, v := range inside {
				if same(v) {
					n++
				}
			}
			return n
		}
		addrs := []netip.Addr{{}}
		for _, a := range []string{"192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2:0:0:1", "2001:db8:0:1::1", "fe80::1%a", "fe80::1%b"} {
			addrs = append(addrs, netip.MustParseAddr(a))
		}
		t.Repeat(map[string]func(*rapid.T){
			"enter": func(t *rapid.T) {
				v := visit{rapid.SampledFrom([]string{"ana", "bob", "zoe"}).Draw(t, "user"), rapid.SampledFrom(addrs).Draw(t, "address")}
				err := c.Enter(v.user, v.addr)
				var want error
				switch {
				case limits.PerUser > 0 && like(func(o visit) bool { return o.user == v.user }) == limits.PerUser:
					want = ErrUser
				case limits.PerAddr > 0 && v.addr.IsValid() && like(func(o visit) bool { return sameClient(o.addr, v.addr) }) == limits.PerAddr:
					want = ErrAddr
				}
				if !errors.Is(err, want) {
					t.Fatalf("%v enters: %v, want %v", v, err, want)
				}
				if err != nil {
					refused++
					return
				}
				inside = append(inside, v)
			},
			"leave": func(t *rapid.T) {
				if len(inside) == 0 {
					t.Skip("nobody is there")
				}
				i := rapid.IntRange(0, len(inside)-1).Draw(t, "who")
				c.Leave(inside[i].user, inside[i].addr)
				inside = append(inside[:i:i], inside[i+1:]...)
			},
			"": func(t *rapid.T) {
				users, nets := make(map[string]bool), make(map[netip.Addr]bool)
				for _, v := range inside {
					users[v.user] = limits.PerUser > 0
					nets[network(v.addr)] = limits.PerAddr > 0 && v.addr.IsValid()
				}
				if len(c.users) != count(users) || len(c.addrs) != count(nets) || c.Refused() != refused {
					t.Fatalf("entries %v and %v, %d refused; inside are %v, %d refused", c.users, c.addrs, c.refused, inside, refused)
				}
			},
		})
	})
}

func count[K comparable](set map[K]bool) (n int) {
	for _, in := range set {
		if in {
			n++
		}
	}
	return n
}

// sameClient says by the bytes what network says by prefixes.
func sameClient(a, b netip.Addr) bool {
	if !a.IsValid() || !b.IsValid() {
		return false
	}
	a, b = a.Unmap(), b.Unmap()
	if a.Is4() != b.Is4() {
		return false
	}
	n := 4
	if a.Is6() {
		n = 8
	}
	return string(a.AsSlice()[:n]) == string(b.AsSlice()[:n])
}

// However many come and go at once, never more than may are inside, and in the end
// nobody is.
func TestCount_ManyAtOnce(t *testing.T) {
	const limit, goers, rounds = 3, 16, 2000
	c := New(Limits{PerUser: limit, PerAddr: limit})
	var inside [2]struct {
		mu sync.Mutex
		n  int
	}
	var all sync.WaitGroup
	for g := range goers {
		all.Go(func() {
			who := &inside[g%2]
			user, addr := fmt.Sprint(g%2), netip.AddrFrom4([4]byte{192, 0, 2, byte(g % 2)})
			for range rounds {
				if c.Enter(user, addr) != nil {
					continue
				}
				who.mu.Lock()
				who.n++
				if who.n > limit {
					t.Errorf("%d are inside", who.n)
				}
				who.mu.Unlock()
				who.mu.Lock()
				who.n--
				who.mu.Unlock()
				c.Leave(user, addr)
			}
		})
	}
	all.Wait()
	if len(c.users)+len(c.addrs) != 0 {
		t.Errorf("left are %v and %v", c.users, c.addrs)
	}
}

// BenchmarkCount is one connection that comes and goes while 20,000 users from 20,000
// addresses are there.
func BenchmarkCount(b *testing.B) {
	for name, limits := range map[string]Limits{"both": {8, 64}, "user": {PerUser: 8}, "address": {PerAddr: 64}} {
		b.Run(name, func(b *testing.B) {
			const there = 20_000
			c := New(limits)
			users, addrs := make([]string, there), make([]netip.Addr, there)
			for i := range there {
				users[i], addrs[i] = fmt.Sprintf("user %d", i), netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
				if err := c.Enter(users[i], addrs[i]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				user, addr := users[i%there], addrs[i%there]
				if err := c.Enter(user, addr); err != nil {
					b.Fatal(err)
				}
				c.Leave(user, addr)
			}
		})
	}
}
