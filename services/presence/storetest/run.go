package storetest

import (
	"testing"

	"github.com/presenced/presence/services/presence"
)

// Run holds a store to the contracts. It calls open for each subtest, and once for
// each group of concurrent ones; open returns an empty store and registers with
// t.Cleanup what is needed to put it away. Run deletes nothing at the end of a
// subtest, so open returns a fresh database each time, or empties the one it has.
//
// The suite writes a few thousand events in all. Its reads are exact at once, but for
// UserPage.Total, which is given the second that the contract gives it, and more.
func Run(t *testing.T, open func(t *testing.T) presence.Store) {
	for _, group := range []struct {
		name  string
		cases []testCase
	}{
		{"Log", logCases},
		{"Recorder", recorderCases},
		{"Online", onlineCases},
		{"Users", userCases},
		{"Nodes", nodeCases},
		{"Past", pastCases},
		{"Snapshots", snapshotCases},
		{"Retention", retentionCases},
		{"Forgetting", forgettingCases},
		{"Kicks", kickCases},
		{"Hooks", hookCases},
		{"Store", storeCases},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
			}
		})
	}
}

// testCase is a subtest of Run: a sentence of a contract, and what shows it.
type testCase struct {
	name string
	test func(t *testing.T, s presence.Store)
}
