package events

import (
	"errors"
	"fmt"
	"time"
)

// Version is the version of the event's shape, the field v of every document.
const Version = 1

// Type says what kind of fact an event is. The set is closed.
type Type uint8

// The types of events.
const (
	Opened       Type = iota + 1 // seq 0 of every stream; inserting it claims the epoch
	Connected                    // a connection was made; its position is the connection's id
	Disconnected                 // the connection Conn is no more
	Sealed                       // the stream has ended; only a takeover's Disconnected may follow
)

var typeNames = [...]string{Opened: "opened", Connected: "connected", Disconnected: "disconnected", Sealed: "sealed"}

// String is the type's name in every store.
func (t Type) String() string {
	if t < Opened || t > Sealed {
		return fmt.Sprintf("type(%d)", uint8(t))
	}
	return typeNames[t]
}

// ParseType reads a type from its name.
func ParseType(name string) (Type, error) {
	for t := Opened; t <= Sealed; t++ {
		if typeNames[t] == name {
			return t, nil
		}
	}
	return 0, fmt.Errorf("%w: type %q", ErrInvalid, name)
}

// Reason says why a connection or a stream ended. The set is closed.
type Reason uint8

// The reasons. A sealed event has Shutdown or NodeLost, and a disconnected event
// has NodeLost exactly when it follows its stream's seal.
const (
	Client   Reason = iota + 1 // the client closed, or its socket ended
	Timeout                    // it gave no sign of life within the ping's deadline
	Slow                       // it did not read what it had asked for
	Kicked                     // an operator ended it
	Protocol                   // it broke the WebSocket protocol
	Shutdown                   // the node left in good order
	NodeLost                   // the node was found dead, and its stream taken over
	Replaced                   // a newer connection took its place
)

var reasonNames = [...]string{
	Client: "client", Timeout: "timeout", Slow: "slow", Kicked: "kicked", Protocol: "protocol",
	Shutdown: "shutdown", NodeLost: "node_lost", Replaced: "replaced",
}

// String is the reason's name in every store.
func (r Reason) String() string {
	if r < Client || r > Replaced {
		return fmt.Sprintf("reason(%d)", uint8(r))
	}
	return reasonNames[r]
}

// ParseReason reads a reason from its name.
func ParseReason(name string) (Reason, error) {
	for r := Client; r <= Replaced; r++ {
		if reasonNames[r] == name {
			return r, nil
		}
	}
	return 0, fmt.Errorf("%w: reason %q", ErrInvalid, name)
}

// Event is an immutable fact. Which fields it has follows from its type; all others
// are zero, and Validate holds that. Times are UTC in whole milliseconds, the
// resolution of the stores: see Milliseconds.
type Event struct {
	ID   Position
	Type Type
	At   time.Time // never before the At of the event before it in the stream

	User    string   // connected, disconnected: see ValidateUser
	Remote  string   // connected: an address without port, or empty
	Agent   string   // connected: see CleanAgent; may be empty
	Resumes Position // connected, optional: the connection this one goes on for, in an older epoch

	Conn     Position  // disconnected: the position of its connected event, in the same stream
	Reason   Reason    // disconnected, sealed
	LastSeen time.Time // disconnected, sealed, only with NodeLost: the node's last sign of life

	Process string // opened: a random token of the process that claims the epoch
	Addr    string // opened: where the node listens, for people
	Version string // opened: of the program
	By      string // sealed: the node that wrote it
}

// ErrInvalid is returned when an event breaks the rules of its type or the limits
// of its fields. No store accepts such an event, so that no store can refuse one.
var ErrInvalid = errors.New("invalid event")

// Milliseconds is t as events keep it: UTC, whole milliseconds, no monotonic part.
func Milliseconds(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }

// Seals reports whether an event with these fields is a sealed stream's tail: a
// stream is sealed if and only if its last event is sealed or was written by the
// takeover that followed the seal.
func (e Event) Seals() bool {
	return e.Type == Sealed || e.Type == Disconnected && e.Reason == NodeLost
}

// Validate returns an error that wraps ErrInvalid, and names the field, unless e has
// the fields of its type, and no others, within their limits.
func (e Event) Validate() error {
	if err := e.validate(); err != nil {
		return fmt.Errorf("%w: %s %s: %w", ErrInvalid, e.Type, e.ID, err)
	}
	return nil
}

func (e Event) validate() error {
	if err := ValidateNode(e.ID.Node); err != nil {
		return err
	}
	if e.ID.Epoch == 0 || e.ID.Seq > MaxSeq {
		return errors.New("id: epoch or seq out of range")
	}
	if err := validateTime("at", e.At); err != nil {
		return err
	}
	if e.alien() {
		return errors.New("it has a field that its type has not")
	}
	switch e.Type {
	case Opened:
		return e.validateOpened()
	case Connected:
		return e.validateConnected()
	case Disconnected:
		return e.validateDisconnected()
	case Sealed:
		return e.validateSealed()
	}
	return errors.New("unknown type")
}

// alien reports whether e has a field that belongs to other types.
func (e Event) alien() bool {
	own := Event{ID: e.ID, Type: e.Type, At: e.At}
	switch e.Type {
	case Opened:
		own.Process, own.Addr, own.Version = e.Process, e.Addr, e.Version
	case Connected:
		own.User, own.Remote, own.Agent, own.Resumes = e.User, e.Remote, e.Agent, e.Resumes
	case Disconnected:
		own.User, own.Conn, own.Reason, own.LastSeen = e.User, e.Conn, e.Reason, e.LastSeen
	case Sealed:
		own.By, own.Reason, own.LastSeen = e.By, e.Reason, e.LastSeen
	}
	return own != e
}

func (e Event) validateOpened() error {
	if e.ID.Seq != 0 {
		return errors.New("opened stands at seq 0 only")
	}
	if e.Process == "" {
		return errors.New("process: empty")
	}
	return errors.Join(
		validateText("process", e.Process, maxProcess),
		validateText("addr", e.Addr, maxAddr),
		validateText("version", e.Version, maxVersion))
}

func (e Event) validateConnected() error {
	if e.ID.Seq == 0 {
		return errors.New("seq 0 is for opened")
	}
	if !e.Resumes.IsZero() {
		r := e.Resumes
		if r.Node != e.ID.Node || r.Epoch == 0 || r.Epoch >= e.ID.Epoch || r.Seq == 0 || r.Seq > MaxSeq {
			return errors.New("resumes: want a connection of an older epoch of the same node")
		}
	}
	return errors.Join(
		ValidateUser(e.User),
		validateText("remote", e.Remote, maxRemote),
		validateText("agent", e.Agent, MaxAgent))
}

func (e Event) validateDisconnected() error {
	if e.Conn.Stream != e.ID.Stream || e.Conn.Seq == 0 || e.Conn.Seq >= e.ID.Seq {
		return errors.New("conn: want an earlier position of the same stream")
	}
	if e.Reason < Client || e.Reason > Replaced {
		return errors.New("reason: unknown")
	}
	return errors.Join(ValidateUser(e.User), e.validateLastSeen())
}

func (e Event) validateSealed() error {
	if e.ID.Seq == 0 {
		return errors.New("seq 0 is for opened")
	}
	if e.Reason != Shutdown && e.Reason != NodeLost {
		return errors.New("reason: want shutdown or node_lost")
	}
	return errors.Join(ValidateNode(e.By), e.validateLastSeen())
}

func (e Event) validateLastSeen() error {
	if (e.Reason == NodeLost) == e.LastSeen.IsZero() {
		return errors.New("lastSeen: goes with reason node_lost, and only with it")
	}
	if e.LastSeen.IsZero() {
		return nil
	}
	return validateTime("lastSeen", e.LastSeen)
}
