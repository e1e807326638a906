package main

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/services/mongostore/mongotest"
	"github.com/presenced/presence/services/presence"
)

// The database loses an event of a node that then dies. The node starts again, nobody of its
// old epoch is online, and what is asked about the past is answered, and says what is
// missing. When the event is put back, all is as it should be (docs/OPERATIONS.md, The log is
// broken).
func TestServe_LostEvent(t *testing.T) {
	database, uri := mongotest.Database(t), mongotest.URI(t)
	b := backend{storeMongoDB, []string{"--mongodb-uri", uri, "--db-database", database}}
	first, process := child(t, b)
	ana := dial(t, first, "ana").welcome.Connection
	dial(t, first, "bob")
	_ = process.Process.Kill()
	_ = process.Wait()
	log := mongotest.Client(t, uri).Database(database).Collection("events")
	lost, err := log.FindOneAndDelete(t.Context(), map[string]string{"_id": ana}).Raw()
	if err != nil {
		t.Fatal(err)
	}

	tg := start(t, b)
	dial(t, tg, "cat")
	if online := tg.online(t); len(online) != 1 || online["cat"] != 1 {
		t.Errorf("online are %v", online)
	}
	broken := []string{"n1/00000001"}
	now := url.QueryEscape(time.Now().Add(-time.Millisecond).UTC().Format(time.RFC3339Nano))
	for _, path := range []string{"/last-seen?user=bob", "/timeline?last=1h"} {
		var answer struct{ Broken []string }
		if tg.get(t, path, &answer); !slices.Equal(answer.Broken, broken) {
			t.Errorf("%s names %v", path, answer.Broken)
		}
	}
	var page struct{ Users []struct{ User string } }
	if tg.get(t, "/online?at="+now, &page); len(page.Users) != 1 || page.Users[0].User != "cat" {
		t.Errorf("at %s online were %v", now, page.Users)
	}
	if report, err := presence.Verify(t.Context(), b.open(t).Store); err != nil || len(report.Problems) != 1 || report.Problems[0].Kind != presence.BrokenGrammar {
		t.Errorf("verify finds %+v, %v", report, err)
	}
	if said := tg.log.String(); strings.Count(said, "takeover failed; it will be tried again") != 1 {
		t.Errorf("the server said %s", said)
	}

	if _, err := log.InsertOne(t.Context(), lost); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the old epoch is ended", func() bool { return strings.Contains(tg.log.String(), "stream taken over") })
	if report := verified(t, b); !report.Holds() || report.Open != 1 {
		t.Errorf("verify finds %+v", report)
	}
}
