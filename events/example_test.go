package events_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/presenced/presence/events"
)

var ten = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func ExamplePosition() {
	p := events.Stream{Node: "n1", Epoch: 3}.At(500)
	fmt.Println(p)
	fmt.Println(p.Prefix())
	fmt.Println(p.Next())
	// Output:
	// n1/00000003/00000000000001f4
	// n1/00000003/
	// n1/00000003/00000000000001f5
}

func ExampleParsePosition() {
	p, err := events.ParsePosition("n1/00000003/00000000000001f4")
	fmt.Println(p.Node, p.Epoch, p.Seq, err)
	_, err = events.ParsePosition("n1/3/500")
	fmt.Println(err)
	// Output:
	// n1 3 500 <nil>
	// invalid id: position "n1/3/500"
}

func ExampleEvent() {
	e := events.Event{
		ID:     events.Stream{Node: "n1", Epoch: 3}.At(1),
		Type:   events.Connected,
		At:     events.Milliseconds(ten),
		User:   "42",
		Remote: "203.0.113.0",
	}
	text, err := json.Marshal(e)
	fmt.Println(string(text), err)
	// Output:
	// {"_id":"n1/00000003/0000000000000001","type":"connected","at":"2026-11-23T10:00:00Z","user":"42","remote":"203.0.113.0","v":1} <nil>
}

func ExampleFold() {
	stream := events.Stream{Node: "n1", Epoch: 3}
	var f events.Fold
	for _, e := range []events.Event{
		{ID: stream.At(0), Type: events.Opened, At: ten, Process: "b7f3"},
		{ID: stream.At(1), Type: events.Connected, At: ten, User: "anna"},
		{ID: stream.At(2), Type: events.Connected, At: ten, User: "ben"},
		{ID: stream.At(3), Type: events.Disconnected, At: ten, User: "anna", Conn: stream.At(1), Reason: events.Client},
	} {
		if err := f.Apply(e); err != nil {
			fmt.Println(err)
		}
	}
	for _, c := range f.Open() {
		fmt.Println(c.User, "is online since", c.At.Format(time.RFC3339))
	}
	again := events.Event{ID: stream.At(4), Type: events.Disconnected, At: ten, User: "anna", Conn: stream.At(1), Reason: events.Client}
	fmt.Println(f.Apply(again))
	// Output:
	// ben is online since 2026-11-23T10:00:00Z
	// stream grammar broken: disconnected n1/00000003/0000000000000004: n1/00000003/0000000000000001 is not open
}

func ExampleValidateUser() {
	fmt.Println(events.ValidateUser("42"))
	fmt.Println(events.ValidateUser("42\n"))
	fmt.Println(events.ValidateUser(""))
	// Output:
	// <nil>
	// invalid user id: it begins or ends with white space
	// invalid user id: it is empty
}

func ExampleCleanAgent() {
	fmt.Printf("%q\n", events.CleanAgent("browser/1.0\r\nX-Injected: yes"))
	// Output:
	// "browser/1.0??X-Injected: yes"
}

func ExampleValidateRun() {
	stream := events.Stream{Node: "n1", Epoch: 3}
	fmt.Println(events.ValidateRun([]events.Event{
		{ID: stream.At(1), Type: events.Connected, At: ten, User: "anna"},
		{ID: stream.At(3), Type: events.Connected, At: ten, User: "ben"},
	}))
	// Output:
	// invalid event: n1/00000003/0000000000000003 does not follow n1/00000003/0000000000000001
}
