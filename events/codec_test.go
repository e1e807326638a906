package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden has an event of every shape.
func golden() map[string]Event {
	resuming := connected(2, `a "b" \ <é>`)
	resuming.Resumes, resuming.Agent, resuming.Remote = Stream{"n1", 2}.At(500), "", ""
	resuming.At = Milliseconds(at(2).Add(125_999 * time.Microsecond))
	bare := opened()
	bare.Addr, bare.Version = "", ""
	all := map[string]Event{
		"opened":                 opened(),
		"opened_bare":            bare,
		"connected":              connected(1, "42"),
		"connected_resumes":      resuming,
		"sealed_shutdown":        sealed(10),
		"sealed_node_lost":       lost(sealed(10)),
		"disconnected_node_lost": lost(disconnected(11, 1, "42")),
	}
	for r := Client; r <= Replaced; r++ {
		if r != NodeLost {
			e := disconnected(500, 1, "42")
			e.Reason = r
			all["disconnected_"+r.String()] = e
		}
	}
	return all
}

func TestEvent_JSONGolden(t *testing.T) {
	for name, e := range golden() {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", name+".json")
			got, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got  %swant %s", got, want)
			}
			var read Event
			if err := json.Unmarshal(want, &read); err != nil || read != e {
				t.Errorf("read as %+v, %v, want %+v", read, err, e)
			}
		})
	}
}

func TestEvent_JSONGoldenHasNoStrayFile(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	all := golden()
	if len(files) != len(all) {
		t.Errorf("%d files for %d events", len(files), len(all))
	}
	for _, f := range files {
		if _, ok := all[strings.TrimSuffix(filepath.Base(f), ".json")]; !ok {
			t.Errorf("%s: no event makes it", f)
		}
	}
}

func TestEvent_JSONRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genEvent().Draw(t, "event")
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Event
		if err := json.Unmarshal(text, &got); err != nil || got != want {
			t.Fatalf("%s\nread as %+v, %v\nwant %+v", text, got, err, want)
		}
	})
}

// TestEvent_JSONHasEveryField holds that no field of an event is forgotten by the
// codec: each is set by some event of the golden files.
func TestEvent_JSONHasEveryField(t *testing.T) {
	set := map[string]bool{}
	for _, e := range golden() {
		v := reflect.ValueOf(e)
		for i := range v.NumField() {
			set[v.Type().Field(i).Name] = set[v.Type().Field(i).Name] || !v.Field(i).IsZero()
		}
	}
	for name, is := range set {
		if !is {
			t.Errorf("no golden event has the field %s", name)
		}
	}
}

func TestEvent_MarshalJSONRefusesWhatIsInvalid(t *testing.T) {
	for _, e := range []Event{{}, connected(1, ""), {ID: stream.At(0), Type: 9, At: at(0)}} {
		if text, err := json.Marshal(e); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: got %s, %v", e, text, err)
		}
	}
}

func TestEvent_UnmarshalJSONHostile(t *testing.T) {
	// Each is this document with one thing changed.
	const good = `{"_id":"n1/00000003/0000000000000002","type":"disconnected","at":"2026-11-23T10:00:02Z","user":"42","conn":"n1/00000003/0000000000000001","reason":"client","v":1}`
	var e Event
	if err := json.Unmarshal([]byte(good), &e); err != nil || e != disconnected(2, 1, "42") {
		t.Fatalf("got %+v, %v", e, err)
	}
	tests := []struct{ name, from, to string }{
		{"later version", `"v":1`, `"v":2`},
		{"no version", `,"v":1`, ``},
		{"version is text", `"v":1`, `"v":"1"`},
		{"version is a fraction", `"v":1`, `"v":1.5`},
		{"version is huge", `"v":1`, `"v":1e99`},
		{"no id", `"_id":"n1/00000003/0000000000000002",`, ``},
		{"id in another spelling", `"_id":"n1/00000003/0000000000000002"`, `"_id":"n1/3/2"`},
		{"id is a number", `"_id":"n1/00000003/0000000000000002"`, `"_id":2`},
		{"id is an object", `"_id":"n1/00000003/0000000000000002"`, `"_id":{"$oid":"507f1f77bcf86cd799439011"}`},
		{"no type", `"type":"disconnected",`, ``},
		{"unknown type", `"type":"disconnected"`, `"type":"forgotten"`},
		{"type of other fields", `"type":"disconnected"`, `"type":"connected"`},
		{"type is null", `"type":"disconnected"`, `"type":null`},
		{"no time", `"at":"2026-11-23T10:00:02Z",`, ``},
		{"time is a number", `"at":"2026-11-23T10:00:02Z"`, `"at":1795428002000`},
		{"time is no time", `"at":"2026-11-23T10:00:02Z"`, `"at":"yesterday"`},
		{"time in microseconds", `"at":"2026-11-23T10:00:02Z"`, `"at":"2026-11-23T10:00:02.000001Z"`},
		{"time in another zone", `"at":"2026-11-23T10:00:02Z"`, `"at":"2026-11-23T11:00:02+01:00"`},
		{"time before 1970", `"at":"2026-11-23T10:00:02Z"`, `"at":"1969-12-31T23:59:59Z"`},
		{"no user", `"user":"42",`, ``},
		{"user is a number", `"user":"42"`, `"user":42`},
		{"user with a control", `"user":"42"`, `"user":"4\u00002"`},
		{"user too long", `"user":"42"`, `"user":"` + strings.Repeat("x", 129) + `"`},
		{"no conn", `"conn":"n1/00000003/0000000000000001",`, ``},
		{"conn in another spelling", `0000000000000001"`, `1"`},
		{"conn of another stream", `"conn":"n1/00000003`, `"conn":"n1/00000002`},
		{"unknown reason", `"reason":"client"`, `"reason":"bored"`},
		{"lost, not seen", `"reason":"client"`, `"reason":"node_lost"`},
		{"seen, not lost", `"v":1`, `"lastSeen":"2026-11-23T10:00:02Z","v":1`},
		{"field of another type", `"v":1`, `"by":"n2","v":1`},
		{"resumes in another spelling", `"v":1`, `"resumes":"n1/2/1","v":1`},
		{"user twice, the last counts", `"v":1`, `"user":"","v":1`},
		{"cut off", `"v":1}`, `"v":1`},
		{"an array", good, `[]`},
		{"null", good, `null`},
		{"text", good, `"event"`},
		{"an empty object", good, `{}`},
		{"deep", good, strings.Repeat("[", 20_000)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(good, tt.from, tt.to, 1)
			if text == good {
				t.Fatal("nothing was changed")
			}
			before := connected(7, "before")
			e := before
			if err := e.UnmarshalJSON([]byte(text)); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: got %+v, %v", text, e, err)
			}
			if e != before {
				t.Errorf("%s: left %+v behind", text, e)
			}
		})
	}
}

func TestEvent_UnmarshalJSONIgnoresUnknownFields(t *testing.T) {
	text := `{"_id":"n1/00000003/0000000000000001","type":"connected","at":"2026-11-23T10:00:01Z","user":"42","note":{"by":"hand"},"v":1}`
	var e Event
	if err := json.Unmarshal([]byte(text), &e); err != nil || e.User != "42" {
		t.Errorf("got %+v, %v", e, err)
	}
}

func BenchmarkEvent_MarshalJSON(b *testing.B) {
	e := connected(1, "42")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.MarshalJSON(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEvent_UnmarshalJSON(b *testing.B) {
	text, err := connected(1, "42").MarshalJSON()
	if err != nil {
		b.Fatal(err)
	}
	var e Event
	b.ReportAllocs()
	for b.Loop() {
		if err := e.UnmarshalJSON(text); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzEvent_UnmarshalJSON holds that whatever is read is valid, and written and read
// again is the same.
func FuzzEvent_UnmarshalJSON(f *testing.F) {
	for _, e := range golden() {
		text, err := e.MarshalJSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var e, again Event
		if err := e.UnmarshalJSON(text); err != nil {
			if !errors.Is(err, ErrInvalid) || e != (Event{}) {
				t.Fatalf("%q: %+v, %v", text, e, err)
			}
			return
		}
		if err := e.Validate(); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		written, err := e.MarshalJSON()
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if err := again.UnmarshalJSON(written); err != nil || again != e {
			t.Fatalf("%q: written as %s, read as %+v, %v", text, written, again, err)
		}
	})
}

// recordOf is an event as encoding/json writes it.
func recordOf(e Event) record {
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
	return r
}

// The encoder writes what encoding/json would write.
func TestEvent_MarshalJSON_AsEncodingJSON(t *testing.T) {
	texts := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]{1,20}`), rapid.SampledFrom([]string{"<&>", "\u2028", `"\`, "é", "😀"}))
	rapid.Check(t, func(t *rapid.T) {
		e := connected(rapid.Uint64Range(1, MaxSeq).Draw(t, "seq"), texts.Filter(func(s string) bool { return ValidateUser(s) == nil }).Draw(t, "user"))
		e.Agent = CleanAgent(texts.Draw(t, "agent"))
		e.At = time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "at")).UTC()
		got, err := e.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(recordOf(e))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got  %s\nwant %s, %v", got, want, err)
		}
	})
	for name, e := range golden() {
		got, _ := e.MarshalJSON()
		if want, _ := json.Marshal(recordOf(e)); !bytes.Equal(got, want) {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestMarshalRun(t *testing.T) {
	run := []Event{opened(), connected(1, "42"), connected(2, "é")}
	values, err := MarshalRun(run)
	if err != nil || len(values) != len(run) {
		t.Fatalf("%d values, %v", len(values), err)
	}
	for i, e := range run {
		if want, _ := e.MarshalJSON(); !bytes.Equal(values[i], want) {
			t.Errorf("%s, want %s", values[i], want)
		}
	}
	if _, err := MarshalRun([]Event{opened(), connected(2, "42")}); !errors.Is(err, ErrInvalid) {
		t.Errorf("a run with a hole: %v", err)
	}
}

func BenchmarkMarshalRun(b *testing.B) {
	run := make([]Event, 1000)
	for i := range run {
		run[i] = connected(uint64(i+1), "user-42")
		run[i].At = run[0].At
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := MarshalRun(run); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(run)), "ns/event")
}
