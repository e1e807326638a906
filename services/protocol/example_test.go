package protocol_test

import (
	"fmt"
	"time"

	"github.com/presenced/presence/services/protocol"
)

func ExampleParse() {
	limits := protocol.Limits{MaxFibonacci: 100_000, MaxSequence: 1000}
	for _, message := range []string{
		`{"type":"fibonacci","id":"a1","n":90}`,
		`42`,
		`{"type":"fibonacci","id":"a2","n":-1}`,
		`{"type":"weather"}`,
	} {
		var c protocol.Command
		if e := protocol.Parse([]byte(message), limits, &c); e != nil {
			fmt.Println(string(protocol.AppendError(nil, e)))
			continue
		}
		fmt.Printf("F(%d), id: %q\n", c.N, c.ID)
	}
	// Output:
	// F(90), id: "\"a1\""
	// F(42), id: ""
	// {"type":"error","id":"a2","code":"out_of_range","message":"n must be between 0 and 100000","retryable":false}
	// {"type":"error","code":"unknown_type","message":"unknown type \"weather\": want one of fibonacci, sequence, ping, token, who, watch, unwatch","retryable":false}
}

func ExampleAppendTime() {
	t := time.Date(2026, 11, 23, 11, 0, 0, 0, time.FixedZone("CET", 3600))
	fmt.Println(string(protocol.AppendTime(nil, t)))
	// Output:
	// {"type":"time","time":"2026-11-23T10:00:00Z","unixMs":1795428000000}
}

func ExampleDecode() {
	m, err := protocol.Decode([]byte(`{"type":"fibonacci","id":7,"n":10,"value":"55","algorithm":"matrix","micros":1}`))
	fmt.Println(m.Type, m.ID, m.N, m.Value, err)
	// Output:
	// fibonacci 7 10 55 <nil>
}
