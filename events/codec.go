package events

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// record is the shape of an event as a JSON document, for reading it: the same names and
// the same order as in the collection events.
type record struct {
	ID       string     `json:"_id"`
	Type     string     `json:"type"`
	At       time.Time  `json:"at"`
	User     string     `json:"user,omitempty"`
	Remote   string     `json:"remote,omitempty"`
	Agent    string     `json:"agent,omitempty"`
	Resumes  string     `json:"resumes,omitempty"`
	Conn     string     `json:"conn,omitempty"`
	Process  string     `json:"process,omitempty"`
	Addr     string     `json:"addr,omitempty"`
	Version  string     `json:"version,omitempty"`
	By       string     `json:"by,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	LastSeen *time.Time `json:"lastSeen,omitempty"`
	V        int        `json:"v"`
}

// MarshalJSON writes e as the document of the collection events. It returns an
// error that wraps ErrInvalid when e is not valid.
func (e Event) MarshalJSON() ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	return e.appendJSON(make([]byte, 0, encodedSize)), nil
}

// encodedSize is more than most events are long as JSON, in bytes.
const encodedSize = 320

// MarshalRun writes each event of a run as MarshalJSON does. It returns an error that
// wraps ErrInvalid unless run is what Log.Append takes.
func MarshalRun(run []Event) ([][]byte, error) {
	if err := ValidateRun(run); err != nil {
		return nil, err
	}
	all := make([]byte, 0, encodedSize*len(run))
	values := make([][]byte, len(run))
	for i, e := range run {
		began := len(all)
		all = e.appendJSON(all)
		values[i] = all[began:len(all):len(all)]
	}
	return values, nil
}

// appendJSON appends a valid event, as encoding/json would write its record. Recording is
// the hot path, and this allocates only to grow b.
func (e Event) appendJSON(b []byte) []byte {
	b = append(b, `{"_id":"`...)
	b = e.ID.AppendText(b)
	b = append(b, `","type":"`...)
	b = append(b, typeNames[e.Type]...)
	b = append(b, '"')
	b = appendTime(b, "at", e.At)
	b = appendField(b, "user", e.User)
	b = appendField(b, "remote", e.Remote)
	b = appendField(b, "agent", e.Agent)
	b = appendPosition(b, "resumes", e.Resumes)
	b = appendPosition(b, "conn", e.Conn)
	b = appendField(b, "process", e.Process)
	b = appendField(b, "addr", e.Addr)
	b = appendField(b, "version", e.Version)
	b = appendField(b, "by", e.By)
	if e.Reason != 0 {
		b = appendField(b, "reason", reasonNames[e.Reason])
	}
	if !e.LastSeen.IsZero() {
		b = appendTime(b, "lastSeen", e.LastSeen)
	}
	b = append(b, `,"v":`...)
	b = strconv.AppendInt(b, Version, 10)
	return append(b, '}')
}

func appendName(b []byte, name string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func appendTime(b []byte, name string, t time.Time) []byte {
	b = append(appendName(b, name), '"')
	return append(t.AppendFormat(b, time.RFC3339Nano), '"')
}

func appendPosition(b []byte, name string, p Position) []byte {
	if p.IsZero() {
		return b
	}
	b = append(appendName(b, name), '"')
	return append(p.AppendText(b), '"')
}

// appendField appends a text, unless it is empty.
func appendField(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	b = appendName(b, name)
	if isPlain(text) {
		b = append(b, '"')
		b = append(b, text...)
		return append(b, '"')
	}
	quoted, _ := json.Marshal(text) // the only error is of types that are no text
	return append(b, quoted...)
}

// isPlain reports whether a text stands in JSON as it is.
func isPlain(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}

// UnmarshalJSON reads what MarshalJSON wrote. It returns an error that wraps
// ErrInvalid, and leaves e as it was, for a document that is no valid event, and for
// one of another version. Fields that it does not know are ignored.
func (e *Event) UnmarshalJSON(text []byte) error {
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if r.V != Version {
		return fmt.Errorf("%w: %s has version %d, and this program reads version %d", ErrInvalid, r.ID, r.V, Version)
	}
	read, err := r.event()
	if err != nil {
		return err
	}
	if err := read.Validate(); err != nil {
		return err
	}
	*e = read
	return nil
}

func (r record) event() (e Event, err error) {
	e = Event{
		At: r.At, User: r.User, Remote: r.Remote, Agent: r.Agent,
		Process: r.Process, Addr: r.Addr, Version: r.Version, By: r.By,
	}
	if e.ID, err = ParsePosition(r.ID); err != nil {
		return e, fmt.Errorf("%w: _id: %w", ErrInvalid, err)
	}
	if e.Type, err = ParseType(r.Type); err != nil {
		return e, err
	}
	if r.Resumes != "" {
		if e.Resumes, err = ParsePosition(r.Resumes); err != nil {
			return e, fmt.Errorf("%w: resumes: %w", ErrInvalid, err)
		}
	}
	if r.Conn != "" {
		if e.Conn, err = ParsePosition(r.Conn); err != nil {
			return e, fmt.Errorf("%w: conn: %w", ErrInvalid, err)
		}
	}
	if r.Reason != "" {
		if e.Reason, err = ParseReason(r.Reason); err != nil {
			return e, err
		}
	}
	if r.LastSeen != nil {
		e.LastSeen = *r.LastSeen
	}
	return e, nil
}
