package boltstore

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

func decodeEvent(key, value []byte) (e events.Event, err error) {
	// Not json.Unmarshal, which would read the whole value twice.
	if err := e.UnmarshalJSON(value); err != nil {
		return e, damaged(key, err)
	}
	if e.ID.String() != string(key) {
		return e, damaged(key, fmt.Errorf("it holds %s", e.ID))
	}
	return e, nil
}

// damaged is the error of a value that is not what was written. It hides the class
// of why: what was asked for is not at fault.
func damaged(key []byte, why error) error {
	return fmt.Errorf("%w: the value of %q: %s", ErrCorrupt, key, why.Error())
}

// connectionRecord is a connection as a document of online.
type connectionRecord struct {
	ID     string    `json:"_id"`
	User   string    `json:"user"`
	Since  time.Time `json:"since"`
	Node   string    `json:"node"`
	Remote string    `json:"remote,omitempty"`
	Agent  string    `json:"agent,omitempty"`
}

// encodeConnection writes c as encoding/json would write its connectionRecord. Recording
// is the hot path, and encoding/json takes an eighth of it.
func encodeConnection(c presence.Connection) []byte {
	b := make([]byte, 0, connectionSize)
	b = append(b, `{"_id":"`...)
	b = c.ID.AppendText(b)
	b = appendText(append(b, `","user":`...), c.User)
	b = append(b, `,"since":"`...)
	b = c.Since.AppendFormat(b, time.RFC3339Nano)
	b = appendText(append(b, `","node":`...), c.ID.Node)
	if c.Remote != "" {
		b = appendText(append(b, `,"remote":`...), c.Remote)
	}
	if c.Agent != "" {
		b = appendText(append(b, `,"agent":`...), c.Agent)
	}
	return append(b, '}')
}

// connectionSize is more than most connections are long as JSON, in bytes.
const connectionSize = 256

// appendText appends a text as JSON.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			quoted, _ := json.Marshal(text) // the only error is of types that are no text
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

func decodeConnection(key, value []byte) (presence.Connection, error) {
	var r connectionRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return presence.Connection{}, damaged(key, err)
	}
	id, err := events.ParsePosition(string(key))
	if err != nil {
		return presence.Connection{}, damaged(key, err)
	}
	return presence.Connection{
		ID: id, User: r.User, Since: events.Milliseconds(r.Since), Remote: r.Remote, Agent: r.Agent,
	}, nil
}

// sinceSize is the length of a value of users.
const sinceSize = 8

// encodeSince is the value of c in users.
func encodeSince(c presence.Connection) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, sinceSize), uint64(c.Since.UnixMilli()))
}

func decodeSince(value []byte) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(value))).UTC()
}

// nodeRecord is a node as a document of nodes.
type nodeRecord struct {
	ID          string    `json:"_id"`
	Addr        string    `json:"addr"`
	Beat        uint64    `json:"beat"`
	BeatAt      time.Time `json:"beatAt"`
	Tail        string    `json:"tail,omitempty"`
	Connections int       `json:"connections"`
	Version     string    `json:"version"`
	StartedAt   time.Time `json:"startedAt"`
}

func encodeNode(n presence.Node) ([]byte, error) {
	r := nodeRecord{
		ID: n.Stream.String(), Addr: n.Addr, Beat: n.Beat, BeatAt: n.BeatAt,
		Connections: n.Connections, Version: n.Version, StartedAt: n.StartedAt,
	}
	if !n.Tail.IsZero() {
		r.Tail = n.Tail.String()
	}
	return json.Marshal(r)
}

func decodeNode(key, value []byte) (n presence.Node, err error) {
	var r nodeRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return n, damaged(key, err)
	}
	n = presence.Node{
		Addr: r.Addr, Beat: r.Beat, BeatAt: events.Milliseconds(r.BeatAt),
		Connections: r.Connections, Version: r.Version, StartedAt: events.Milliseconds(r.StartedAt),
	}
	if n.Stream, err = events.ParseStream(string(key)); err != nil {
		return n, damaged(key, err)
	}
	if r.Tail != "" {
		if n.Tail, err = events.ParsePosition(r.Tail); err != nil {
			return n, damaged(key, err)
		}
	}
	return n, nil
}
