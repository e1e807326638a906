package mongostore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/mongostore"
)

// changeStream answers the questions of a change stream. A getMore gets what the test
// sends next, or an empty batch when the test has ended.
type changeStream struct {
	more  chan bson.D
	ended chan struct{}
}

func newChangeStream(t *testing.T) *changeStream {
	c := &changeStream{more: make(chan bson.D), ended: make(chan struct{})}
	t.Cleanup(func() { close(c.ended) })
	return c
}

func (c *changeStream) answer(command string, body bson.Raw, _ int) bson.D {
	switch command {
	case "aggregate":
		if body.Lookup("pipeline", "0", "$changeStream").Type != 0 {
			return batch("firstBatch")
		}
	case "getMore":
		select {
		case a := <-c.more:
			return a
		case <-c.ended:
		case <-time.After(awaitData): // the server's end waits for this answer
		}
		return batch("nextBatch")
	}
	return nil
}

// awaitData is how long a getMore waits for news, as with any server.
const awaitData = 100 * time.Millisecond

// batch is a batch of a change stream, with the tokens of what was inserted.
func batch(name string, tokens ...string) bson.D {
	docs := bson.A{}
	for _, t := range tokens {
		docs = append(docs, bson.D{{Key: "_id", Value: bson.D{{Key: "_data", Value: t}}}})
	}
	return bson.D{{Key: "cursor", Value: bson.D{
		{Key: "id", Value: int64(7)}, {Key: "ns", Value: "presence.events"}, {Key: name, Value: docs},
	}}, {Key: "ok", Value: 1.0}}
}

// A change stream tells of what is inserted, is taken up where it was after an election,
// begins anew after what cannot be taken up, and leaves no cursor behind.
func TestChanges_Watch(t *testing.T) {
	c := newChangeStream(t)
	s := serveSet(t, c.answer)
	changes := open(t, mongostore.Config{URI: s.URI}).Store().Changes
	if changes == nil {
		t.Fatal("a replica set has change streams")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rung, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- changes.Watch(ctx, func() { rung <- struct{}{} }) }()
	ring := func(why string) {
		t.Helper()
		select {
		case <-rung:
		case <-time.After(30 * time.Second):
			t.Fatalf("not told: %s", why)
		}
	}
	ring("it is open: events may have come before")
	c.more <- batch("nextBatch", "t1")
	ring("one event")
	c.more <- batch("nextBatch", "t2", "t3")
	ring("two")
	ring("two")
	c.more <- append(failure(91, "ShutdownInProgress", "stepping down"),
		bson.E{Key: "errorLabels", Value: bson.A{"ResumableChangeStreamError"}})
	c.more <- batch("nextBatch", "t4")
	ring("after an election")
	c.more <- failure(286, "ChangeStreamHistoryLost", "the token is too old")
	ring("begun anew")

	var resumed []string
	for _, a := range s.received("aggregate") {
		spec := a.body.Lookup("pipeline", "0", "$changeStream").Document()
		token, _ := spec.LookupErr("resumeAfter", "_data")
		if token.Type != 0 {
			resumed = append(resumed, token.StringValue())
		} else {
			resumed = append(resumed, "")
		}
		if match := a.body.Lookup("pipeline", "1").String(); match != `{"$match": {"operationType": "insert"}}` {
			t.Errorf("it asks for %s", match)
		}
	}
	if len(resumed) != 3 || resumed[0] != "" || resumed[1] != "t3" || resumed[2] != "" {
		t.Errorf("opened after %q, want anew, after t3, and anew", resumed)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := len(s.received("killCursors")); got == 0 {
		t.Error("the cursor is left to the server")
	}
}

func TestChanges_Watch_refused(t *testing.T) {
	for _, code := range []int{13, 40573} {
		s := serveSet(t, func(command string, _ bson.Raw, _ int) bson.D {
			if command == "aggregate" {
				return failure(code, "", "no")
			}
			return nil
		})
		changes := open(t, mongostore.Config{URI: s.URI}).Store().Changes
		if err := changes.Watch(t.Context(), func() { t.Error("told of something") }); !errors.Is(err, events.ErrRefused) {
			t.Errorf("code %d: %v", code, err)
		}
	}
}

// Where there are no change streams nobody asks for them.
func TestDB_Store_without_change_streams(t *testing.T) {
	s := serveFake(t, nil)
	if open(t, mongostore.Config{URI: s.URI}).Store().Changes != nil {
		t.Error("a standalone server has none")
	}
}

// The same of a server that has them, if the tests were given one.
func TestChanges_Watch_of_a_replica_set(t *testing.T) {
	store := open(t, fresh(t)).Store()
	if store.Changes == nil {
		t.Skip("the server has no change streams: MONGODB_URI is to name a replica set")
	}
	ctx, cancel := context.WithCancel(t.Context())
	rung, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() { ended <- store.Changes.Watch(ctx, func() { rung <- struct{}{} }) }()
	<-rung // it is open
	if _, err := store.Log.Append(t.Context(), run(1, 1)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-rung:
	case <-time.After(30 * time.Second):
		t.Error("not told of an event")
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
