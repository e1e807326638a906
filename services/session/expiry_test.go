package session

import (
	"slices"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"
)

// Whatever is added, moved and removed: what is due is what has expired and was not
// taken out before, in the order of its time, each once.
func TestExpiry_Due_AgreesWithAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x Expiry
		now := int64(1_000)
		proofs := make([]*proof, 8)
		queued := make(map[*proof]int64)
		for i := range proofs {
			proofs[i] = newProof(new(Session), time.UnixMilli(0), false)
		}
		one := rapid.SampledFrom(proofs)
		at := rapid.Int64Range(0, 3_000)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				p := one.Draw(t, "proof")
				if _, there := queued[p]; there {
					t.Skip("a session opens once")
				}
				p.expires = at.Draw(t, "at")
				queued[p] = p.expires
				x.add(p)
			},
			"move": func(t *rapid.T) {
				p, expires := one.Draw(t, "proof"), at.Draw(t, "at")
				queued[p] = expires
				x.move(p, time.UnixMilli(expires))
			},
			"remove": func(t *rapid.T) {
				p := one.Draw(t, "proof")
				delete(queued, p)
				x.remove(p)
			},
			"due": func(t *rapid.T) {
				now += rapid.Int64Range(-2_000, 2_000).Draw(t, "the clock goes by")
				var want []int64
				for p, expires := range queued {
					if expires <= now {
						want = append(want, expires)
						delete(queued, p)
					}
				}
				slices.Sort(want)
				var got []int64
				for _, s := range x.due(now, nil) {
					i := slices.IndexFunc(proofs, func(p *proof) bool { return p.session == s })
					got = append(got, proofs[i].expires)
				}
				if !slices.Equal(got, want) {
					t.Fatalf("at %d: %v are due, want %v", now, got, want)
				}
			},
			"": func(t *rapid.T) {
				if len(x.queue) != len(queued) {
					t.Fatalf("%d are queued, want %d", len(x.queue), len(queued))
				}
				for i, p := range x.queue {
					if int(p.place) != i {
						t.Fatalf("the proof at %d believes to be at %d", i, p.place)
					}
				}
			},
		})
	})
}

// However many expire together, the queue is not held for all of them at once.
func TestExpiry_Due_InPortions(t *testing.T) {
	var x Expiry
	const all = 2*atOnce + 5
	for range all {
		x.add(newProof(new(Session), time.UnixMilli(1), false))
	}
	var got []int
	for n := atOnce; n == atOnce; {
		n = len(x.due(1, nil))
		got = append(got, n)
	}
	if !slices.Equal(got, []int{atOnce, atOnce, 5}) {
		t.Errorf("portions of %v", got)
	}
}

// What a client with a token costs more at rest: a proof, a place in the queue, and an
// extra.
func TestProof_Size(t *testing.T) {
	if p, e := unsafe.Sizeof(proof{}), unsafe.Sizeof(extra{}); p > 24 || e > 48 {
		t.Errorf("a proof has %d bytes, an extra %d", p, e)
	}
}

// BenchmarkExpiry is the coming and going of one session among many.
func BenchmarkExpiry(b *testing.B) {
	var x Expiry
	began := time.Now()
	for i := range 100_000 {
		x.add(newProof(new(Session), began.Add(time.Duration(i*7919%100_000)*time.Millisecond), false))
	}
	p := newProof(new(Session), began.Add(50*time.Second), false)
	b.ReportAllocs()
	for b.Loop() {
		x.add(p)
		x.remove(p)
	}
}
