package events

import (
	"encoding/json"
	"fmt"
	"time"
)

// record is the shape of an event as a JSON document: the same names and the same
// order as in the collection events.
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
	r := record{
		ID: e.ID.String(), Type: e.Type.String(), At: e.At,
		User: e.User, Remote: e.Remote, Agent: e.Agent,
		Process: e.Process, Addr: e.Addr, Version: e.Version, By: e.By,
		V: Version,
	}
	if !e.Resumes.IsZero() {
		r.Resumes = e.Resumes.String()
	}
	if !e.Conn.IsZero() {
		r.Conn = e.Conn.String()
	}
	if e.Reason != 0 {
		r.Reason = e.Reason.String()
	}
	if !e.LastSeen.IsZero() {
		r.LastSeen = &e.LastSeen
	}
	return json.Marshal(r)
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
