package presence

import (
	"context"
	"errors"
	"time"

	"github.com/presenced/presence/events"
)

// Store joins the contracts of one database. Their methods are safe for concurrent
// use, and their errors are of the classes that events.Log names. Storetest holds
// every store to them.
type Store struct {
	Log      events.Log
	Recorder Recorder
	Online   Online
	Nodes    Nodes

	// What history needs, and recording does not.
	Past      Past
	Snapshots Snapshots // nil: every fold begins at seq 0

	// An operator's roles; a node that serves never uses them.
	Retention  Retention
	Forgetting Forgetting

	Changes Changes // wakes readers; nil: they look at intervals only
	Kicks   Kicks   // connections that an operator wants closed; nil: nobody can ask for that
	Hooks   Hooks   // what the receiver of webhooks was told; nil: there can be none

	// Exclusive says that no other process can have this store open, which the store
	// itself makes sure of. Then an unsealed stream is surely that of a dead process.
	Exclusive bool
}

// Recorder makes events durable in the log first, and visible in online second.
// TwoStep is the general one, over any Log and any Online; a store that can do both
// in one commit has its own.
type Recorder interface {
	// Record takes a dense run of one stream. It returns how many events, from the
	// first, are known to be durable and visible; that is len(run) if and only if err
	// is nil. It is repeated with the same run, or with run[n:], until it succeeds:
	// events of the run that are in the log already are left as they are.
	//
	// It returns an error that wraps ErrFenced if and only if the stream was found
	// sealed: then nothing more will ever be recorded in it.
	Record(ctx context.Context, run []events.Event) (n int, err error)
}

// ErrFenced is returned when a stream was sealed by another than its owner.
var ErrFenced = errors.New("fenced: the stream was sealed by another node")

// Connection is one document of online: a live connection.
type Connection struct {
	ID     events.Position // the position of its connected event; its node is the id's
	User   string
	Since  time.Time
	Remote string
	Agent  string
}

// ConnectionOf is the document that a connected event is projected to.
func ConnectionOf(e events.Event) Connection {
	return Connection{ID: e.ID, User: e.User, Since: e.At, Remote: e.Remote, Agent: e.Agent}
}

// Online is the projection: one document per live connection. Every method may be
// repeated: adding what is there and removing what is not there change nothing.
type Online interface { //nolint:interfacebloat // all that is asked of one collection
	// Apply adds and removes connections, of one stream. The order between add and
	// remove is not defined: an id is never in both.
	Apply(ctx context.Context, add []Connection, remove []events.Position) error

	// DropStream removes every connection of a stream.
	DropStream(ctx context.Context, s events.Stream) error

	// OfStream returns up to limit connections of the stream of after that stand
	// after it, ascending by id. Seq 0 is never a connection's: s.At(0) begins.
	OfStream(ctx context.Context, after events.Position, limit int) ([]Connection, error)

	// IDs returns only the ids of what OfStream returns: a node asks for those of all its
	// connections every few seconds.
	IDs(ctx context.Context, after events.Position, limit int) ([]events.Position, error)

	// OfUser returns up to limit connections of a user, ascending by id as text, that
	// stand after one; the zero Position begins.
	OfUser(ctx context.Context, user string, after events.Position, limit int) ([]Connection, error)

	// Streams returns the streams that have connections, ascending as text.
	Streams(ctx context.Context) ([]events.Stream, error)

	// Users answers who is online.
	Users(ctx context.Context, q UserQuery) (UserPage, error)
}

// MaxUserPage is the most users that one Users call returns.
const MaxUserPage = 1000

// UserQuery asks for users by name, or for everyone, a page at a time.
type UserQuery struct {
	Users []string // if not nil: only these, at most MaxUserPage
	After string   // only users after this one, compared as bytes; from UserPage.Next
	Limit int      // 1 to MaxUserPage
}

// User is one user who is online.
type User struct {
	User        string
	Since       time.Time // of the oldest of the connections
	Connections int
	Nodes       []string // ascending, each once
}

// UserPage is one answer to a UserQuery, ascending by user.
type UserPage struct {
	Users []User
	Next  string // the After of the next page; empty on the last
	Total int    // connections online, of all users; may be a second old, beside a list of names ten
}

// Node is one document of nodes: a stream that has not yet ended, and its owner's
// sign of life.
type Node struct {
	Stream      events.Stream
	Addr        string
	Beat        uint64          // counts up from 1
	BeatAt      time.Time       // by the store's clock; set by the store, ignored on writing
	Tail        events.Position // the last event that its owner knows to be recorded
	Connections int
	Version     string
	StartedAt   time.Time
}

// Nodes are the streams that have not yet ended.
type Nodes interface {
	// Join adds the document of n.Stream. One that is there already is left as it is.
	Join(ctx context.Context, n Node) error

	// Beat rewrites the document of n.Stream if its beat is between acked and n.Beat,
	// both included: the last beat that its owner knows to be written, and the one
	// that it is writing, perhaps not for the first time. It never adds one.
	// ErrBeatLost is returned if there is no such document.
	Beat(ctx context.Context, n Node, acked uint64) error

	// Remove removes the document of a stream.
	Remove(ctx context.Context, s events.Stream) error

	// All returns every document, ascending by stream as text.
	All(ctx context.Context) ([]Node, error)
}

// ErrBeatLost is returned by Nodes.Beat when the node's document is not there, or
// not at a beat that its owner wrote: the stream was taken over, or the database
// restored from a backup.
var ErrBeatLost = errors.New("the document of this node in nodes is gone or not its own")

// Past finds the events of users, over all streams.
type Past interface {
	// OfUser returns up to limit connected and disconnected events of a user that stand
	// after a moment, in the order of moments.
	OfUser(ctx context.Context, user string, after Moment, limit int) ([]events.Event, error)

	// Last returns the event of the latest moment of each of at most MaxUserPage users,
	// in no order. Who has none is left out.
	Last(ctx context.Context, users []string) ([]events.Event, error)

	// Horizon is the time before which events may have been deleted; the zero time if
	// none was ever.
	Horizon(ctx context.Context) (time.Time, error)
}

// Snapshots keeps the snapshots of streams, in chunks, so that no document grows with
// the number of connections. What a stream adds up to at a position never changes, so
// any number of writers may add the same snapshot, and a late write does no harm.
type Snapshots interface {
	// Add adds chunks. One that is there already is left as it is.
	Add(ctx context.Context, chunks []Chunk) error

	// Read returns the chunks that there are of the snapshot at a position, ascending.
	Read(ctx context.Context, at events.Position) ([]Chunk, error)

	// Before returns the last position of p's stream, not after p, at which there is a
	// chunk, or events.ErrNotFound.
	Before(ctx context.Context, p events.Position) (events.Position, error)

	// After returns the first position of p's stream, not before p, at which there is a
	// chunk, or events.ErrNotFound.
	After(ctx context.Context, p events.Position) (events.Position, error)
}

// Retention deletes what is old. Each method may be repeated.
type Retention interface {
	// SetHorizon says that events before a time may be deleted from now on. The horizon
	// is the latest time that it was ever set to.
	SetHorizon(ctx context.Context, at time.Time) error

	// DeleteEvents deletes the events of below's stream that stand before it. The caller
	// keeps their number to some 10,000, and deletes low positions first.
	DeleteEvents(ctx context.Context, below events.Position) error

	// DeleteSnapshots deletes the snapshots of below's stream at positions before it.
	DeleteSnapshots(ctx context.Context, below events.Position) error
}

// Forgetting takes a user out of what is recorded: where he was stands a tombstone, and
// nothing else changes. Each method may be repeated, and run beside live nodes and beside
// itself.
type Forgetting interface { //nolint:interfacebloat // all that one command asks of a store
	// Begin takes note that a user is being forgotten under a tombstone, so that who goes
	// on after a crash uses the same. It returns the tombstone of the note: that of an
	// earlier Begin, if there was one without an End.
	Begin(ctx context.Context, user, tombstone string) (string, error)

	// Begun returns the tombstone of the note of a user, empty if there is none.
	Begun(ctx context.Context, user string) (string, error)

	// End removes the note of a user.
	End(ctx context.Context, user string) error

	// RenameEvents gives those of the events at some positions that are of a user the
	// tombstone instead, and takes remote and agent from them. A position without an
	// event is passed over.
	RenameEvents(ctx context.Context, user, tombstone string, at []events.Position) error

	// Chunks returns up to limit chunks that have a connection of a user, ascending by id,
	// that stand after an id; the empty one begins.
	Chunks(ctx context.Context, user, after string, limit int) ([]Chunk, error)

	// RenameOpen gives the connections of a chunk that are among names these users. The
	// chunk is as Chunks returned it. If it has been deleted since, nothing happens.
	RenameOpen(ctx context.Context, c Chunk, names map[events.Position]string) error

	// DropReasons takes the reasons from the kicks of connections.
	DropReasons(ctx context.Context, conns []events.Position) error
}

// Kick says that an operator wants a connection to be closed. It is one document of
// kicks, and stands until the connection has ended.
type Kick struct {
	Conn   events.Position // the connection's id
	At     time.Time       // by the clock of the node that was asked
	By     string          // the node that was asked
	Reason string          // told to the client; see ValidateKickReason
}

// Kicks keeps the kicks that are not yet done. Every method may be repeated.
type Kicks interface {
	// Add adds kicks. One of a connection that has one already is left as it is.
	Add(ctx context.Context, kicks []Kick) error

	// OfNode returns up to limit kicks of the connections of a node, of whatever epoch,
	// ascending by connection, that stand after one; the zero Position begins.
	OfNode(ctx context.Context, node string, after events.Position, limit int) ([]Kick, error)

	// Pending returns which of at most MaxKicks connections have a kick, ascending as text.
	Pending(ctx context.Context, conns []events.Position) ([]events.Position, error)

	// Remove removes the kicks of connections.
	Remove(ctx context.Context, conns []events.Position) error

	// Streams returns the streams whose connections have kicks, ascending as text.
	Streams(ctx context.Context) ([]events.Stream, error)
}

// MaxKicks is the most connections that one Kicks.Pending asks about.
const MaxKicks = 1000

// Changes tells that the log has grown, where a store can say so without being asked
// again and again. It is a hint and no source of events: readers look at intervals too.
type Changes interface {
	// Watch calls appended, on its own goroutine, soon after events were appended, by
	// whatever node, until ctx ends. One call may stand for many events, and there may be
	// calls without any. While the store is away it tries again. It returns the cause of
	// ctx, or before that an error that wraps events.ErrRefused: the store will not tell.
	Watch(ctx context.Context, appended func()) error
}
