package mongostore

import (
	"fmt"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// The documents, field by field in the order in which they are stored. A text that is
// empty is left out.

// eventDoc is a document of events.
type eventDoc struct {
	ID       string     `bson:"_id"`
	Type     string     `bson:"type"`
	At       time.Time  `bson:"at"`
	User     string     `bson:"user,omitempty"`
	Remote   string     `bson:"remote,omitempty"`
	Agent    string     `bson:"agent,omitempty"`
	Resumes  string     `bson:"resumes,omitempty"`
	Conn     string     `bson:"conn,omitempty"`
	Process  string     `bson:"process,omitempty"`
	Addr     string     `bson:"addr,omitempty"`
	Version  string     `bson:"version,omitempty"`
	By       string     `bson:"by,omitempty"`
	Reason   string     `bson:"reason,omitempty"`
	LastSeen *time.Time `bson:"lastSeen,omitempty"`
	V        int32      `bson:"v"`
}

func eventDocOf(e events.Event) eventDoc {
	d := eventDoc{
		ID: e.ID.String(), Type: e.Type.String(), At: e.At,
		User: e.User, Remote: e.Remote, Agent: e.Agent, Resumes: idOrNone(e.Resumes), Conn: idOrNone(e.Conn),
		Process: e.Process, Addr: e.Addr, Version: e.Version, By: e.By,
		V: events.Version,
	}
	if e.Reason != 0 {
		d.Reason = e.Reason.String()
	}
	if !e.LastSeen.IsZero() {
		d.LastSeen = &e.LastSeen
	}
	return d
}

// event reads the document, or returns an error that wraps events.ErrInvalid.
func (d eventDoc) event() (events.Event, error) {
	if d.V != events.Version {
		return events.Event{}, fmt.Errorf("%w: %s has version %d, and this program reads version %d",
			events.ErrInvalid, d.ID, d.V, events.Version)
	}
	e, err := d.fields()
	if err == nil {
		err = e.Validate()
	}
	if err != nil {
		return events.Event{}, fmt.Errorf("%w: event %q: %w", events.ErrInvalid, d.ID, err)
	}
	return e, nil
}

func (d eventDoc) fields() (e events.Event, err error) {
	e = events.Event{
		At: events.Milliseconds(d.At), User: d.User, Remote: d.Remote, Agent: d.Agent,
		Process: d.Process, Addr: d.Addr, Version: d.Version, By: d.By,
	}
	if e.ID, err = events.ParsePosition(d.ID); err != nil {
		return e, err
	}
	if e.Type, err = events.ParseType(d.Type); err != nil {
		return e, err
	}
	if e.Resumes, err = parseIDOrNone(d.Resumes); err != nil {
		return e, err
	}
	if e.Conn, err = parseIDOrNone(d.Conn); err != nil {
		return e, err
	}
	if d.Reason != "" {
		if e.Reason, err = events.ParseReason(d.Reason); err != nil {
			return e, err
		}
	}
	if d.LastSeen != nil {
		e.LastSeen = events.Milliseconds(*d.LastSeen)
	}
	return e, nil
}

func idOrNone(p events.Position) string {
	if p.IsZero() {
		return ""
	}
	return p.String()
}

func parseIDOrNone(text string) (events.Position, error) {
	if text == "" {
		return events.Position{}, nil
	}
	return events.ParsePosition(text)
}

// onlineDoc is a document of online.
type onlineDoc struct {
	ID     string    `bson:"_id"`
	User   string    `bson:"user"`
	Since  time.Time `bson:"since"`
	Node   string    `bson:"node"`
	Remote string    `bson:"remote,omitempty"`
	Agent  string    `bson:"agent,omitempty"`
}

func onlineDocOf(c presence.Connection) onlineDoc {
	return onlineDoc{
		ID: c.ID.String(), User: c.User, Since: c.Since, Node: c.ID.Node, Remote: c.Remote, Agent: c.Agent,
	}
}

func (d onlineDoc) connection() (presence.Connection, error) {
	id, err := events.ParsePosition(d.ID)
	if err != nil {
		return presence.Connection{}, fmt.Errorf("%w: online: %w", events.ErrInvalid, err)
	}
	return presence.Connection{
		ID: id, User: d.User, Since: events.Milliseconds(d.Since), Remote: d.Remote, Agent: d.Agent,
	}, nil
}

// nodeDoc is a document of nodes.
type nodeDoc struct {
	ID          string    `bson:"_id"`
	Addr        string    `bson:"addr"`
	Beat        int64     `bson:"beat"`
	BeatAt      time.Time `bson:"beatAt"`
	Tail        string    `bson:"tail,omitempty"`
	Connections int64     `bson:"connections"`
	Version     string    `bson:"version"`
	StartedAt   time.Time `bson:"startedAt"`
}

func nodeDocOf(n presence.Node, now time.Time) nodeDoc {
	return nodeDoc{
		ID: n.Stream.String(), Addr: n.Addr, Beat: int64(n.Beat), BeatAt: now, Tail: idOrNone(n.Tail),
		Connections: int64(n.Connections), Version: n.Version, StartedAt: n.StartedAt,
	}
}

func (d nodeDoc) node() (presence.Node, error) {
	stream, err := events.ParseStream(d.ID)
	if err != nil {
		return presence.Node{}, fmt.Errorf("%w: nodes: %w", events.ErrInvalid, err)
	}
	tail, err := parseIDOrNone(d.Tail)
	if err != nil {
		return presence.Node{}, fmt.Errorf("%w: nodes %s: tail: %w", events.ErrInvalid, d.ID, err)
	}
	return presence.Node{
		Stream: stream, Addr: d.Addr, Beat: uint64(d.Beat), BeatAt: events.Milliseconds(d.BeatAt), Tail: tail,
		Connections: int(d.Connections), Version: d.Version, StartedAt: events.Milliseconds(d.StartedAt),
	}, nil
}
