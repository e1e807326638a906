package mongostore_test

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/presenced/presence/services/mongostore"
	"github.com/presenced/presence/services/mongostore/mongotest"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// Who is forgotten is in no document of any collection, and was in each that has names; all
// others are there still.
func TestForget_leaves_no_document_with_the_name(t *testing.T) {
	const user = "zebedee quasimodo"
	c := fresh(t)
	store := opened(t, c, mongostore.OpenPatiently).Store()
	database := mongotest.Client(t, c.URI).Database(c.Database)
	dump := func() map[string]string {
		names, err := database.ListCollectionNames(t.Context(), bson.D{})
		if err != nil {
			t.Fatal(err)
		}
		all := make(map[string]string)
		for _, name := range names {
			all[name] = string(documents(t, database.Collection(name)))
		}
		return all
	}
	storetest.Traces(t, store, user)
	// As of a save that came when the one after it was there already.
	stale := bson.D{{Key: "_id", Value: "0000000000000000"}, {Key: "owner", Value: "n2/turn"}, {Key: "after", Value: user}}
	if _, err := database.Collection("hooks").InsertOne(t.Context(), stale); err != nil {
		t.Fatal(err)
	}
	before := dump()
	for _, name := range []string{"events", "online", "snapshots", "kicks", "hooks", "forgetting"} {
		if !strings.Contains(before[name], user) {
			t.Errorf("%s has not the name: this test does not show that it goes", name)
		}
	}
	done, err := presence.Forget(t.Context(), store, user, func(presence.Forgotten) {})
	if want := (presence.Forgotten{Connections: 100, Snapshots: 3, Hook: true}); err != nil || done != want {
		t.Errorf("%+v, %v, want %+v", done, err, want)
	}
	for name, text := range dump() {
		if strings.Contains(text, user) {
			t.Errorf("%s has the name", name)
		}
		for _, other := range []string{"stays", "leaves"} {
			if strings.Count(text, `"`+other+`"`) != strings.Count(before[name], `"`+other+`"`) {
				t.Errorf("%s names %s less or more often than before", name, other)
			}
		}
	}
}
