package webhook

import (
	"slices"
	"testing"
	"time"

	"github.com/presenced/presence/services/presence"
)

func TestVigil_lapsed(t *testing.T) {
	held := func(beat uint64) presence.HookLease { return presence.HookLease{Revision: 7, Owner: "a", Beat: beat} }
	type look struct {
		at, took time.Duration
		lease    presence.HookLease
		want     bool
	}
	every2s := func(from, to time.Duration, l presence.HookLease) (looks []look) {
		for at := from; at <= to; at += 2 * time.Second {
			looks = append(looks, look{at: at, lease: l})
		}
		return looks
	}
	silent := every2s(0, 8*time.Second, held(1))
	for name, looks := range map[string][]look{
		"nobody leads":            {{lease: presence.HookLease{}, want: true}},
		"the leader has resigned": {{lease: presence.HookLease{Revision: 9}, want: true}},
		"silent for 10 s":         slices.Concat(silent, []look{{at: 10 * time.Second, lease: held(1), want: true}}),
		"it beats": slices.Concat(silent, []look{{at: 10 * time.Second, lease: held(2)}, {at: 12 * time.Second, lease: held(2)},
			{at: 14 * time.Second, lease: held(2)}, {at: 16 * time.Second, lease: held(2)}, {at: 18 * time.Second, lease: held(2)},
			{at: 20 * time.Second, lease: held(2), want: true}}),
		"it has saved":         slices.Concat(silent, []look{{at: 10 * time.Second, lease: presence.HookLease{Revision: 8, Owner: "a", Beat: 1}}}),
		"another leads":        slices.Concat(silent, []look{{at: 10 * time.Second, lease: presence.HookLease{Revision: 8, Owner: "b"}}}),
		"a pause of this node": slices.Concat(silent, []look{{at: 14 * time.Second, lease: held(1)}, {at: 16 * time.Second, lease: held(1)}}),
		"a look that was slow": slices.Concat(silent, []look{{at: 10 * time.Second, took: 4 * time.Second, lease: held(1)}, {at: 15 * time.Second, lease: held(1)}}),
		"counted from the end": {{at: 0, took: time.Second, lease: held(1)}, {at: 5 * time.Second, lease: held(1)}, {at: 10 * time.Second, lease: held(1)}, {at: 11 * time.Second, lease: held(1), want: true}},
		"counted to the begin": slices.Concat(silent, []look{{at: 9500 * time.Millisecond, took: time.Second, lease: held(1)}}),
		"a slow beginning is none": append([]look{{at: 0, took: 4 * time.Second, lease: held(1)}}, append(every2s(5*time.Second, 13*time.Second, held(1)),
			look{at: 15 * time.Second, lease: held(1), want: true})...),
	} {
		t.Run(name, func(t *testing.T) {
			var v vigil
			for _, l := range looks {
				if got := v.lapsed(noon.Add(l.at), noon.Add(l.at+l.took), l.lease); got != l.want {
					t.Errorf("at %s: %v, want %v", l.at, got, l.want)
				}
			}
		})
	}
}
