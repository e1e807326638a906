package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// recorder is the presence.Recorder of a DB: a run is durable and visible in one
// commit, or not at all. So its Record returns 0 or len(run).
type recorder struct{ d *DB }

var _ presence.Recorder = recorder{}

// Record implements presence.Recorder.
func (r recorder) Record(ctx context.Context, run []events.Event) (int, error) {
	values, err := events.MarshalRun(run)
	if err != nil || len(run) == 0 {
		return 0, err
	}
	err = r.d.update(ctx, "record", func(tx *bbolt.Tx) error { return record(tx, run, values) })
	if err != nil {
		return 0, err
	}
	return len(run), nil
}

func record(tx *bbolt.Tx, run []events.Event, values [][]byte) error {
	end, err := endOf(tx, run[0].ID.Stream)
	if err != nil {
		return err
	}
	if end.tail.Seals() {
		return fmt.Errorf("%s is %s: %w", end.tail.ID, end.tail.Type, presence.ErrFenced)
	}
	there, err := ours(tx, end, run, values)
	if err != nil {
		return err
	}
	if err := end.extend(tx, run[there:], values[there:]); err != nil {
		return err
	}
	return project(tx, end, run)
}

// ours is how many events of run are in the log already, from an earlier try. It
// returns an error that wraps ErrFenced if another writer's stand there.
func ours(tx *bbolt.Tx, end streamEnd, run []events.Event, values [][]byte) (n int, err error) {
	if end.next <= run[0].ID.Seq {
		return 0, nil
	}
	b := tx.Bucket(eventsBucket)
	for n < len(run) && run[n].ID.Seq < end.next {
		key := []byte(run[n].ID.String())
		value := b.Get(key)
		if !bytes.Equal(value, values[n]) {
			return n, theirs(key, value, run[n])
		}
		n++
	}
	return n, nil
}

// theirs is the error of finding value where mine belongs, or nil if it says the same
// in other words, as an older version of this program may.
func theirs(key, value []byte, mine events.Event) error {
	if value == nil {
		return damaged(key, errors.New("there is none"))
	}
	found, err := decodeEvent(key, value)
	if err != nil {
		return err
	}
	if !found.StandsFor(mine) {
		return fmt.Errorf("%s holds an event of another writer: %w", found.ID, presence.ErrFenced)
	}
	return nil
}

// project makes run visible. A connection that came and went in it leaves nothing;
// nor does one of a run that is recorded again, if it has left since.
func project(tx *bbolt.Tx, end streamEnd, run []events.Event) error {
	left := make(map[uint64]bool)
	for _, e := range run {
		if e.Type == events.Disconnected {
			left[e.Conn.Seq] = true
		}
	}
	if next := run[len(run)-1].ID.Next(); next.Seq < end.next {
		if err := leftSince(tx, next, left); err != nil {
			return err
		}
	}
	p := openProjection(tx)
	for _, e := range run {
		switch {
		case e.Type == events.Connected && !left[e.ID.Seq]:
			p.add(presence.ConnectionOf(e))
		case e.Type == events.Disconnected:
			p.removeOf(e.Conn, e.User)
		}
	}
	return p.done()
}

// leftSince adds to left the connections that ended from a position on.
func leftSince(tx *bbolt.Tx, from events.Position, left map[uint64]bool) error {
	return each(tx.Bucket(eventsBucket), []byte(from.String()), []byte(from.Prefix()), func(key, value []byte) (bool, error) {
		e, err := decodeEvent(key, value)
		if e.Type == events.Disconnected {
			left[e.Conn.Seq] = true
		}
		return true, err
	})
}
