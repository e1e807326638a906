package mongostore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/presenced/presence/events"
)

// taken is a server's answer about document i, whose key was there already.
func taken(i int, key ...string) mongo.BulkWriteError {
	e := mongo.WriteError{Index: i, Code: codeDuplicate, Message: "E11000 duplicate key error"}
	if len(key) > 0 {
		var pattern bson.D
		for _, k := range key {
			pattern = append(pattern, bson.E{Key: k, Value: 1})
		}
		e.Raw, _ = bson.Marshal(bson.D{{Key: "keyPattern", Value: pattern}})
	}
	return mongo.BulkWriteError{WriteError: e}
}

func failed(i, code int) mongo.BulkWriteError {
	return mongo.BulkWriteError{WriteError: mongo.WriteError{Index: i, Code: code}}
}

func many(failures ...mongo.BulkWriteError) error {
	return mongo.BulkWriteException{WriteErrors: failures}
}

func unconfirmed(failures ...mongo.BulkWriteError) error {
	return mongo.BulkWriteException{
		WriteConcernError: &mongo.WriteConcernError{Code: 64, Name: "WriteConcernTimeout"}, WriteErrors: failures,
	}
}

func TestDurable_counts_only_what_is_sure(t *testing.T) {
	tests := []struct {
		name     string
		err      error
		n        int
		occupied bool
	}{
		{"all", nil, 10, false},
		{"taken at the first", many(taken(0)), 0, true},
		{"taken in the middle", many(taken(4, "_id")), 4, true},
		{"taken at the last", many(taken(9)), 9, true},
		{"taken, of a foreign unique index", many(taken(4, "user")), 4, false},
		{"taken, of a foreign compound index", many(taken(4, "_id", "user")), 4, false},
		{"refused in the middle", many(failed(4, 121)), 4, false},
		{"not by a majority", unconfirmed(), 0, false},
		{"taken, and not by a majority", unconfirmed(taken(4)), 0, false},
		{"an index out of the batch", many(taken(10)), 0, false},
		{"a command that failed", mongo.CommandError{Code: 10107}, 0, false},
		{"a network that failed", io.ErrUnexpectedEOF, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if n, occupied := durable(tt.err, 10); n != tt.n || occupied != tt.occupied {
				t.Errorf("%d durable, occupied %t: want %d, %t", n, occupied, tt.n, tt.occupied)
			}
		})
	}
}

func TestOnlyTaken_is_about_every_failure(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{"no failure", nil, false},
		{"one", many(taken(3)), true},
		{"several", many(taken(0, "_id"), taken(1), taken(999)), true},
		{"one of another kind among them", many(taken(0), failed(1, 14031)), false},
		{"one of a foreign index among them", many(taken(0), taken(1, "user")), false},
		{"not by a majority", unconfirmed(taken(0)), false},
		{"another error", io.EOF, false},
	}
	for _, tt := range tests {
		if got := onlyTaken(tt.err); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestClass(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want error
	}{
		{"not authorised", mongo.CommandError{Code: 13}, events.ErrRefused},
		{"not authorised, in a write", mongo.WriteException{WriteErrors: mongo.WriteErrors{{Code: 13}}}, events.ErrRefused},
		{"the user is not accepted", mongo.CommandError{Code: 18}, events.ErrRefused},
		{"disk full", mongo.CommandError{Code: 14031}, events.ErrRefused},
		{"disk full, in a batch", many(failed(0, 14031)), events.ErrRefused},
		{"over quota", mongo.CommandError{Code: 8000}, events.ErrRefused},
		{"writes blocked", mongo.CommandError{Code: 371}, events.ErrRefused},
		{"a validator", many(failed(2, 121)), events.ErrRefused},
		{"a view in place of the collection", mongo.CommandError{Code: 166}, events.ErrRefused},
		{"a foreign unique index", many(taken(0, "user")), events.ErrRefused},
		{"an unordered batch, in which one is refused", many(taken(0), failed(1, 121)), events.ErrRefused},

		{"not the primary", mongo.CommandError{Code: 10107}, events.ErrUnavailable},
		{"the primary steps down", mongo.CommandError{Code: 189}, events.ErrUnavailable},
		{"the server shuts down", mongo.CommandError{Code: 91}, events.ErrUnavailable},
		{"interrupted by an election", many(failed(3, 11602)), events.ErrUnavailable},
		{"too late", mongo.CommandError{Code: 50}, events.ErrUnavailable},
		{"a code that nobody knows", mongo.CommandError{Code: 987654}, events.ErrUnavailable},
		{"not by a majority", unconfirmed(), events.ErrUnavailable},
		{"not by a majority, and refused", unconfirmed(failed(1, 121)), events.ErrUnavailable},
		{"one write, not by a majority", mongo.WriteException{
			WriteConcernError: &mongo.WriteConcernError{Code: 100}}, events.ErrUnavailable},
		{"the network", mongo.CommandError{Labels: []string{"NetworkError"}, Wrapped: io.EOF}, events.ErrUnavailable},
		{"cancelled", context.Canceled, events.ErrUnavailable},
		{"out of time", fmt.Errorf("find: %w", context.DeadlineExceeded), events.ErrUnavailable},
		{"closed", mongo.ErrClientDisconnected, events.ErrUnavailable},
		{"anything", io.ErrUnexpectedEOF, events.ErrUnavailable},

		{"what cannot be written down", mongo.MarshalError{Err: io.EOF}, events.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := wrap("append", "n1/00000001/0000000000000001", tt.err)
			if !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			for _, other := range []error{events.ErrRefused, events.ErrUnavailable, events.ErrInvalid} {
				if other != tt.want && errors.Is(err, other) {
					t.Errorf("%v is %v too", err, other)
				}
			}
		})
	}
	if wrap("append", "", nil) != nil {
		t.Error("no error became one")
	}
}
