package mongostore_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/mongostore/mongotest"
	"github.com/presenced/presence/services/presence"
)

// A person with mongosh sees who is online, without knowing this program.
func TestMongosh_sees_who_is_online(t *testing.T) {
	c := fresh(t)
	db := open(t, c)
	since := events.Milliseconds(time.Now())
	id := events.Stream{Node: "n1", Epoch: 1}.At(1)
	connection := presence.Connection{ID: id, User: "42", Since: since}
	if err := db.Store().Online.Apply(t.Context(), []presence.Connection{connection}, nil); err != nil {
		t.Fatal(err)
	}
	online := func() (users []string) {
		out := mongotest.Mongosh(t, c.URI,
			`print(JSON.stringify(db.getSiblingDB("`+c.Database+`").online.find().toArray().map(c => c.user)))`)
		if err := json.Unmarshal([]byte(out), &users); err != nil {
			t.Fatalf("mongosh printed %q: %v", out, err)
		}
		return users
	}
	if got := online(); len(got) != 1 || got[0] != "42" {
		t.Errorf("online after the connect: %q, want 42 alone", got)
	}
	if err := db.Store().Online.Apply(t.Context(), nil, []events.Position{id}); err != nil {
		t.Fatal(err)
	}
	if got := online(); len(got) != 0 {
		t.Errorf("online after the disconnect: %q, want nobody", got)
	}
}
