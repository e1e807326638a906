package events

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The stream that the tests write, and events of it. at is the time of seq.
var stream = Stream{Node: "n1", Epoch: 3}

func at(seq uint64) time.Time {
	return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).Add(time.Duration(seq) * time.Second)
}

func opened() Event {
	return Event{ID: stream.At(0), Type: Opened, At: at(0), Process: "b7f3", Addr: "localhost:8080", Version: "1.0.0"}
}

func connected(seq uint64, user string) Event {
	return Event{ID: stream.At(seq), Type: Connected, At: at(seq), User: user, Remote: "203.0.113.0", Agent: "clientctl/1.0"}
}

func disconnected(seq, conn uint64, user string) Event {
	return Event{ID: stream.At(seq), Type: Disconnected, At: at(seq), User: user, Conn: stream.At(conn), Reason: Client}
}

func sealed(seq uint64) Event {
	return Event{ID: stream.At(seq), Type: Sealed, At: at(seq), By: "n1", Reason: Shutdown}
}

// lost makes e what a takeover writes.
func lost(e Event) Event {
	e.Reason, e.LastSeen = NodeLost, at(0)
	return e
}

// genEvent makes valid events of every type.
func genEvent() *rapid.Generator[Event] {
	return rapid.Custom(func(t *rapid.T) Event {
		e := Event{
			ID:   genPosition().Draw(t, "id"),
			Type: Type(rapid.IntRange(int(Opened), int(Sealed)).Draw(t, "type")),
			At:   genTime().Draw(t, "at"),
		}
		switch e.Type {
		case Opened:
			e.ID.Seq = 0
			e.Process = genField(maxProcess).Filter(func(s string) bool { return s != "" }).Draw(t, "process")
			e.Addr, e.Version = genField(maxAddr).Draw(t, "addr"), genField(maxVersion).Draw(t, "version")
		case Connected:
			e.ID.Seq = max(e.ID.Seq, 1)
			e.User = genUser().Draw(t, "user")
			e.Remote = genField(maxRemote).Draw(t, "remote")
			e.Agent = CleanAgent(genText().Draw(t, "agent"))
			if e.ID.Epoch > 1 && rapid.Bool().Draw(t, "resumes") {
				older := Stream{e.ID.Node, rapid.Uint32Range(1, e.ID.Epoch-1).Draw(t, "epoch")}
				e.Resumes = older.At(rapid.Uint64Range(1, MaxSeq).Draw(t, "seq"))
			}
		case Disconnected:
			e.ID.Seq = max(e.ID.Seq, 2)
			e.User = genUser().Draw(t, "user")
			e.Conn = e.ID.Stream.At(rapid.Uint64Range(1, e.ID.Seq-1).Draw(t, "conn"))
			e.Reason = Reason(rapid.IntRange(int(Client), int(Replaced)).Draw(t, "reason"))
		case Sealed:
			e.ID.Seq = max(e.ID.Seq, 1)
			e.By = genNode().Draw(t, "by")
			e.Reason = rapid.SampledFrom([]Reason{Shutdown, NodeLost}).Draw(t, "reason")
		}
		if e.Reason == NodeLost {
			e.LastSeen = genTime().Draw(t, "lastSeen")
		}
		return e
	})
}

func genTime() *rapid.Generator[time.Time] {
	first, last := int64(0), time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC).UnixMilli()
	return rapid.Map(rapid.OneOf(rapid.Int64Range(first, last), rapid.SampledFrom([]int64{first, last})),
		func(ms int64) time.Time { return time.UnixMilli(ms).UTC() })
}

// genField makes texts of at most limit bytes that an event takes.
func genField(limit int) *rapid.Generator[string] {
	return rapid.Map(genText(), func(s string) string {
		clean := CleanAgent(s)
		for len(clean) > limit || validateText("", clean, limit) != nil {
			clean = clean[:len(clean)-1]
		}
		return clean
	})
}

func TestEvent_ValidateAcceptsWhatIsValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if err := genEvent().Draw(t, "event").Validate(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestEvent_ValidateNamesTheField(t *testing.T) {
	resumes := func(e Event, p Position) Event {
		e.Resumes = p
		return e
	}
	tests := []struct {
		name   string
		event  Event
		change func(*Event)
		says   string
	}{
		{"no node", opened(), func(e *Event) { e.ID.Node = "" }, "node"},
		{"no epoch", opened(), func(e *Event) { e.ID.Epoch = 0 }, "epoch"},
		{"seq too high", connected(1, "42"), func(e *Event) { e.ID.Seq = MaxSeq + 1 }, "seq"},
		{"no type", opened(), func(e *Event) { e.Type = 0 }, "field"},
		{"no type and no fields", Event{ID: stream.At(0), At: at(0)}, func(*Event) {}, "unknown type"},
		{"no time", opened(), func(e *Event) { e.At = time.Time{} }, "at:"},
		{"microseconds", opened(), func(e *Event) { e.At = at(0).Add(time.Microsecond) }, "at:"},
		{"another zone", opened(), func(e *Event) { e.At = at(0).In(time.FixedZone("", 0)) }, "at:"},
		{"monotonic reading", opened(), func(e *Event) { e.At = time.Now().Truncate(time.Nanosecond) }, "at:"},
		{"before 1970", opened(), func(e *Event) { e.At = time.UnixMilli(-1).UTC() }, "at:"},
		{"after 9999", opened(), func(e *Event) { e.At = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "at:"},

		{"opened later", opened(), func(e *Event) { e.ID.Seq = 1 }, "seq 0"},
		{"no process", opened(), func(e *Event) { e.Process = "" }, "process"},
		{"process too long", opened(), func(e *Event) { e.Process = strings.Repeat("x", 65) }, "process"},
		{"addr too long", opened(), func(e *Event) { e.Addr = strings.Repeat("x", 257) }, "addr"},
		{"version not UTF-8", opened(), func(e *Event) { e.Version = "\xff" }, "version"},
		{"opened with a user", opened(), func(e *Event) { e.User = "42" }, "field"},
		{"opened with a reason", opened(), func(e *Event) { e.Reason = Client }, "field"},

		{"connected at 0", connected(1, "42"), func(e *Event) { e.ID.Seq = 0 }, "seq 0"},
		{"no user", connected(1, ""), func(*Event) {}, "user"},
		{"remote too long", connected(1, "42"), func(e *Event) { e.Remote = strings.Repeat("x", 65) }, "remote"},
		{"agent with a control", connected(1, "42"), func(e *Event) { e.Agent = "\n" }, "agent"},
		{"agent too long", connected(1, "42"), func(e *Event) { e.Agent = strings.Repeat("x", 257) }, "agent"},
		{"resumes its own epoch", resumes(connected(1, "42"), stream.At(1)), func(*Event) {}, "resumes"},
		{"resumes a later epoch", resumes(connected(1, "42"), Stream{"n1", 4}.At(1)), func(*Event) {}, "resumes"},
		{"resumes another node's", resumes(connected(1, "42"), Stream{"n2", 2}.At(1)), func(*Event) {}, "resumes"},
		{"resumes an opened", resumes(connected(1, "42"), Stream{"n1", 2}.At(0)), func(*Event) {}, "resumes"},
		{"resumes epoch 0", resumes(connected(1, "42"), Stream{"n1", 0}.At(1)), func(*Event) {}, "resumes"},
		{"resumes a seq too high", resumes(connected(1, "42"), Stream{"n1", 2}.At(MaxSeq+1)), func(*Event) {}, "resumes"},
		{"connected with a last seen", connected(1, "42"), func(e *Event) { e.LastSeen = at(0) }, "field"},

		{"no conn", disconnected(2, 1, "42"), func(e *Event) { e.Conn = Position{} }, "conn"},
		{"conn is opened", disconnected(2, 0, "42"), func(*Event) {}, "conn"},
		{"conn is itself", disconnected(2, 2, "42"), func(*Event) {}, "conn"},
		{"conn comes later", disconnected(2, 3, "42"), func(*Event) {}, "conn"},
		{"conn of another epoch", disconnected(2, 1, "42"), func(e *Event) { e.Conn.Epoch = 2 }, "conn"},
		{"conn of another node", disconnected(2, 1, "42"), func(e *Event) { e.Conn.Node = "n2" }, "conn"},
		{"disconnected without user", disconnected(2, 1, ""), func(*Event) {}, "user"},
		{"no reason", disconnected(2, 1, "42"), func(e *Event) { e.Reason = 0 }, "reason"},
		{"unknown reason", disconnected(2, 1, "42"), func(e *Event) { e.Reason = Replaced + 1 }, "reason"},
		{"lost, not seen", disconnected(2, 1, "42"), func(e *Event) { e.Reason = NodeLost }, "lastSeen"},
		{"seen, not lost", disconnected(2, 1, "42"), func(e *Event) { e.LastSeen = at(1) }, "lastSeen"},
		{"seen in microseconds", lost(disconnected(2, 1, "42")), func(e *Event) { e.LastSeen = at(0).Add(1) }, "lastSeen"},
		{"disconnected with an agent", disconnected(2, 1, "42"), func(e *Event) { e.Agent = "x" }, "field"},

		{"sealed at 0", sealed(1), func(e *Event) { e.ID.Seq = 0 }, "seq 0"},
		{"sealed by nobody", sealed(1), func(e *Event) { e.By = "" }, "node"},
		{"sealed for a client's reason", sealed(1), func(e *Event) { e.Reason = Client }, "reason"},
		{"sealed, lost, not seen", sealed(1), func(e *Event) { e.Reason = NodeLost }, "lastSeen"},
		{"sealed with a process", sealed(1), func(e *Event) { e.Process = "b7f3" }, "field"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := tt.event
			tt.change(&e)
			if err := e.Validate(); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want one that says %q", err, tt.says)
			}
		})
	}
}

func TestEvent_Seals(t *testing.T) {
	for _, tt := range []struct {
		event Event
		want  bool
	}{
		{Event{}, false},
		{opened(), false},
		{connected(1, "42"), false},
		{disconnected(2, 1, "42"), false},
		{sealed(1), true},
		{lost(sealed(1)), true},
		{lost(disconnected(3, 1, "42")), true},
	} {
		if got := tt.event.Seals(); got != tt.want {
			t.Errorf("%s %s: got %v", tt.event.Type, tt.event.Reason, got)
		}
	}
}

func TestType_Names(t *testing.T) {
	for typ, name := range map[Type]string{Opened: "opened", Connected: "connected", Disconnected: "disconnected", Sealed: "sealed"} {
		if got, err := ParseType(name); got != typ || err != nil || typ.String() != name {
			t.Errorf("%s: got %s, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "Opened", "type(0)", "closed"} {
		if got, err := ParseType(name); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: got %s, %v", name, got, err)
		}
	}
	if got := Type(0).String() + " " + Type(9).String(); got != "type(0) type(9)" {
		t.Errorf("got %s", got)
	}
}

func TestReason_Names(t *testing.T) {
	for r, name := range map[Reason]string{
		Client: "client", Timeout: "timeout", Slow: "slow", Kicked: "kicked", Protocol: "protocol",
		Shutdown: "shutdown", NodeLost: "node_lost", Replaced: "replaced",
	} {
		if got, err := ParseReason(name); got != r || err != nil || r.String() != name {
			t.Errorf("%s: got %s, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "Client", "reason(0)", "lost"} {
		if got, err := ParseReason(name); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: got %s, %v", name, got, err)
		}
	}
	if got := Reason(0).String() + " " + Reason(9).String(); got != "reason(0) reason(9)" {
		t.Errorf("got %s", got)
	}
}
