package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Op is an operation of a store.
type Op uint8

// The operations.
const (
	LogAppend Op = iota + 1
	LogRead
	LogTail
	LogHighest
	LogStreams
	RecorderRecord
	OnlineApply
	OnlineDropStream
	OnlineOfStream
	OnlineStreams
	OnlineUsers
	NodesJoin
	NodesBeat
	NodesRemove
	NodesAll
	PastOfUser
	PastLast
	PastHorizon
	SnapshotsAdd
	SnapshotsRead
	SnapshotsBefore
	SnapshotsAfter
	RetentionSetHorizon
	RetentionDeleteEvents
	RetentionDeleteSnapshots
	KicksAdd
	KicksOfNode
	KicksPending
	KicksRemove
	KicksStreams
	ForgettingBegin
	ForgettingBegun
	ForgettingEnd
	ForgettingRenameEvents
	ForgettingChunks
	ForgettingRenameOpen
	ForgettingDropReasons
	HooksLease
	HooksLoad
	HooksSave
	HooksBeat
)

var opNames = [...]string{
	LogAppend: "Log.Append", LogRead: "Log.Read", LogTail: "Log.Tail", LogHighest: "Log.Highest", LogStreams: "Log.Streams",
	RecorderRecord: "Recorder.Record",
	OnlineApply:    "Online.Apply", OnlineDropStream: "Online.DropStream", OnlineOfStream: "Online.OfStream",
	OnlineStreams: "Online.Streams", OnlineUsers: "Online.Users",
	NodesJoin: "Nodes.Join", NodesBeat: "Nodes.Beat", NodesRemove: "Nodes.Remove", NodesAll: "Nodes.All",
	PastOfUser: "Past.OfUser", PastLast: "Past.Last", PastHorizon: "Past.Horizon",
	SnapshotsAdd: "Snapshots.Add", SnapshotsRead: "Snapshots.Read", SnapshotsBefore: "Snapshots.Before", SnapshotsAfter: "Snapshots.After",
	RetentionSetHorizon: "Retention.SetHorizon", RetentionDeleteEvents: "Retention.DeleteEvents",
	RetentionDeleteSnapshots: "Retention.DeleteSnapshots",
	KicksAdd:                 "Kicks.Add", KicksOfNode: "Kicks.OfNode", KicksPending: "Kicks.Pending", KicksRemove: "Kicks.Remove",
	KicksStreams:    "Kicks.Streams",
	ForgettingBegin: "Forgetting.Begin", ForgettingBegun: "Forgetting.Begun", ForgettingEnd: "Forgetting.End",
	ForgettingRenameEvents: "Forgetting.RenameEvents", ForgettingChunks: "Forgetting.Chunks",
	ForgettingRenameOpen: "Forgetting.RenameOpen", ForgettingDropReasons: "Forgetting.DropReasons",
	HooksLease: "Hooks.Lease", HooksLoad: "Hooks.Load", HooksSave: "Hooks.Save", HooksBeat: "Hooks.Beat",
}

// String is the operation's name, such as "Log.Append".
func (o Op) String() string {
	if o < LogAppend || o > HooksBeat {
		return fmt.Sprintf("op(%d)", uint8(o))
	}
	return opNames[o]
}

// reads reports whether the operation changes nothing.
func (o Op) reads() bool {
	switch o {
	case LogAppend, RecorderRecord, OnlineApply, OnlineDropStream, NodesJoin, NodesBeat, NodesRemove,
		SnapshotsAdd, RetentionSetHorizon, RetentionDeleteEvents, RetentionDeleteSnapshots, KicksAdd, KicksRemove,
		ForgettingBegin, ForgettingEnd, ForgettingRenameEvents, ForgettingRenameOpen, ForgettingDropReasons, HooksSave, HooksBeat:
		return false
	case LogRead, LogTail, LogHighest, LogStreams, OnlineOfStream, OnlineStreams, OnlineUsers, NodesAll,
		PastOfUser, PastLast, PastHorizon, SnapshotsRead, SnapshotsBefore, SnapshotsAfter,
		KicksOfNode, KicksPending, KicksStreams, ForgettingBegun, ForgettingChunks, HooksLease, HooksLoad:
	}
	return true
}

// Fault is what happens to an operation.
type Fault uint8

// The faults. All but Pass and Refused are told to the caller as ErrUnavailable: it
// cannot know which of them it was.
const (
	Pass    Fault = iota // nothing is wrong
	Before               // it is not done
	After                // it is done
	Partial              // its first parts are done: see Action.Part. Like Before if it has no parts
	Refused              // it is not done, and the caller is told so, with ErrRefused
	Late                 // it is not done yet, but will be: see Action.Delay. A read is not done
	Block                // it is not done, and there is no answer before the context ends
)

// Action says what happens to one call.
type Action struct {
	Fault Fault

	// Part is, with Partial, how many parts are done: events of an Append, documents
	// of an Apply (those to add first) or a DropStream. The others have no parts.
	Part int

	// Known is, with Partial, how many of the events that were appended the caller is
	// told of: never all of the run.
	Known int

	// Delay is, with Late, after how many more calls it is done: just before the
	// Delay-th call after this one. 0: at Release only.
	Delay int
}

// Call is what a plan is asked about.
type Call struct {
	Op  Op
	N   int // calls before this one, of all operations
	Len int // events or documents in the call; 0 if that is not known
}

// parts is how many parts the call has, or some number if that is not known.
func (c Call) parts() int {
	if c.Len > 0 {
		return c.Len
	}
	return 10
}

// Plan says what happens to a call. It is asked once for each call, by one goroutine
// at a time, and must not call the store.
type Plan func(Call) Action

// Calm is the plan by which nothing is wrong.
func Calm(Call) Action { return Action{} }

// Sequence is the plan that takes each of the actions in turn, and then is Calm.
func Sequence(actions ...Action) Plan {
	return func(Call) (a Action) {
		if len(actions) > 0 {
			a, actions = actions[0], actions[1:]
		}
		return a
	}
}

// Only is plan for calls of some operations, and Calm for the others, of which plan
// is not asked.
func Only(plan Plan, ops ...Op) Plan {
	return func(c Call) Action {
		if slices.Contains(ops, c.Op) {
			return plan(c)
		}
		return Action{}
	}
}

// Rates are the shares of calls, from 0 to 1, that meet each fault. What is left of
// their sum passes. There is none for Block: a plan by chance cannot know whether a
// context ever ends.
type Rates struct {
	Before, After, Partial, Refused, Late float64
}

// maxDelay is the longest delay of a late write by Random, in calls. Some wait longer:
// one in maxDelay waits for Release.
const maxDelay = 8

// Random is the plan by which faults come at random, at these rates. The same seed
// makes the same plan.
func Random(seed uint64, rates Rates) Plan {
	r := rand.New(rand.NewPCG(seed, 0))
	return func(c Call) Action {
		a := Action{Fault: rates.at(r.Float64())}
		// All are drawn each time, so that the faults after one do not depend on it.
		part, known, delay := r.Float64(), r.Float64(), r.IntN(maxDelay)
		switch a.Fault {
		case Partial:
			a.Part = int(part * float64(c.parts()+1))
			a.Known = int(known * float64(a.Part+1))
		case Late:
			a.Delay = delay
		case Pass, Before, After, Refused, Block:
		}
		return a
	}
}

// at is the fault at a point from 0 to 1.
func (r Rates) at(point float64) Fault {
	for _, s := range []struct {
		share float64
		fault Fault
	}{{r.Before, Before}, {r.After, After}, {r.Partial, Partial}, {r.Refused, Refused}, {r.Late, Late}} {
		if point < s.share {
			return s.fault
		}
		point -= s.share
	}
	return Pass
}
