package protocol

import "time"

// The types of messages from server to client, the field "type".
const (
	TypeWelcome   = "welcome"
	TypeTime      = "time"
	TypeFibonacci = "fibonacci"
	TypeSequence  = "sequence"
	TypePong      = "pong"
	TypeError     = "error"
	TypeDrain     = "drain"
	TypeToken     = "token"
	TypeWho       = "who"
	TypeWatch     = "watch"
	TypeUnwatch   = "unwatch"
	TypePresence  = "presence"
)

// Code says what is wrong with a command. The set is closed, and docs/PROTOCOL.md
// says for each what a client should do.
type Code string

// The error codes.
const (
	BadRequest   Code = "bad_request"
	UnknownType  Code = "unknown_type"
	OutOfRange   Code = "out_of_range"
	TooLarge     Code = "too_large" // the operator's API alone says it, of a body
	Busy         Code = "busy"
	RateLimited  Code = "rate_limited"
	Unauthorized Code = "unauthorized"
	Forbidden    Code = "forbidden"
	Internal     Code = "internal"
)

// Retryable reports whether the same command may succeed later.
func (c Code) Retryable() bool { return c == Busy || c == RateLimited || c == Internal }

// CloseCode is a WebSocket close code that the server sends.
type CloseCode uint16

// The close codes of RFC 6455 section 7.4.1 and of the IANA registry that the
// server uses, and its own: 4000–4499 mean connect again, 4500–4999 mean do not.
const (
	CloseNormal       CloseCode = 1000
	CloseGoingAway    CloseCode = 1001
	CloseProtocol     CloseCode = 1002
	CloseUnsupported  CloseCode = 1003
	CloseInvalidData  CloseCode = 1007
	ClosePolicy       CloseCode = 1008
	CloseTooBig       CloseCode = 1009
	CloseInternal     CloseCode = 1011
	CloseRestart      CloseCode = 1012
	CloseTryLater     CloseCode = 1013
	CloseSlow         CloseCode = 4008
	CloseTimeout      CloseCode = 4012
	CloseInvalidToken CloseCode = 4500
	CloseKicked       CloseCode = 4503
	CloseTooMany      CloseCode = 4504
)

// Reconnect reports whether a client that was closed with c should connect again.
func (c CloseCode) Reconnect() bool {
	switch c {
	case CloseNormal, CloseProtocol, CloseUnsupported, CloseInvalidData, ClosePolicy, CloseTooBig:
		return false
	default:
		return c < 4500 || c > 4999
	}
}

// What is offered in Sec-WebSocket-Protocol.
const (
	Subprotocol  = "presence.v1" // this protocol; the answer selects it if it is offered
	BearerPrefix = "bearer."     // and a token behind it: for web pages, which can set no other header
)

// Welcome says that a connection is recorded: it is in the log and in online.
type Welcome struct {
	Connection string    `json:"connection"`
	User       string    `json:"user"`
	Node       string    `json:"node"`
	Time       time.Time `json:"time"`
	Version    string    `json:"version"`
}

// Message is any message from the server, as a client reads it. Which fields it has
// follows from Type.
type Message struct {
	Type string `json:"type"`
	ID   any    `json:"id,omitempty"` // a string or a json.Number

	Connection string    `json:"connection,omitempty"`
	User       string    `json:"user,omitempty"`
	Node       string    `json:"node,omitempty"`
	Version    string    `json:"version,omitempty"`
	Time       time.Time `json:"time,omitzero"`
	UnixMs     int64     `json:"unixMs,omitempty"`

	N         uint64   `json:"n,omitempty"`
	Value     string   `json:"value,omitempty"`
	Values    []string `json:"values,omitempty"`
	Algorithm string   `json:"algorithm,omitempty"`
	Micros    int64    `json:"micros,omitempty"`

	Code      Code   `json:"code,omitempty"`
	Text      string `json:"message,omitempty"`
	Retryable bool   `json:"retryable,omitempty"`

	Expires time.Time `json:"expires,omitzero"`

	ReconnectAfterMs int64 `json:"reconnectAfterMs,omitempty"`

	Users       []Present `json:"users,omitempty"`
	Next        string    `json:"next,omitempty"`
	Total       int       `json:"total,omitempty"`
	Connections []Present `json:"connections,omitempty"`
	Joins       []Present `json:"joins,omitempty"`
	Leaves      []Present `json:"leaves,omitempty"`
	Level       string    `json:"level,omitempty"`
	Accepted    *int      `json:"accepted,omitempty"` // nil: everyone is watched
	Part        int       `json:"part,omitempty"`
	More        bool      `json:"more,omitempty"`
	Resync      bool      `json:"resync,omitempty"`
	Stale       *bool     `json:"stale,omitempty"` // nil: as before
	Position    string    `json:"position,omitempty"`
}
