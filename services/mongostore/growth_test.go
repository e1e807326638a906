package mongostore

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// What a connection of a web page takes in BSON, before MongoDB compresses it, is what
// docs/OPERATIONS.md says.
func TestDocuments_size(t *testing.T) {
	visit := storetest.Visit(events.Stream{Node: "n1", Epoch: 1}, 42)
	for _, tt := range []struct {
		name string
		doc  any
		want int
	}{
		{"connected", eventDocOf(visit[0]), 241},
		{"disconnected", eventDocOf(visit[1]), 165},
		{"online", onlineDocOf(presence.ConnectionOf(visit[0])), 230},
	} {
		raw, err := bson.Marshal(tt.doc)
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) != tt.want {
			t.Errorf("%s has %d bytes, want %d: docs/OPERATIONS.md, Sizing, is to say so", tt.name, len(raw), tt.want)
		}
	}
}
