package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/presenced/presence/services/auth"
	"github.com/presenced/presence/services/protocol"
)

// thousands writes a number with commas.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// The limits that are documented are those of the code.
func TestDocs_Limits(t *testing.T) {
	cfg := defaultConfig()
	for title, phrases := range map[string][]string{
		"From the client": {
			fmt.Sprintf("a string of at most %d bytes or an integer of at most 20 digits", protocol.MaxID),
			fmt.Sprintf("n of `fibonacci` 0 to %s (`FIB_MAX`)", thousands(int(cfg.fibMax))),
			fmt.Sprintf("n of `sequence` 0 to %s;", thousands(limitSequence)),
			fmt.Sprintf("%d commands a second (`COMMAND_RATE`)", cfg.commandRate),
			fmt.Sprintf("%s names in `users`, and a `limit` of 1 to %[1]s;", thousands(cfg.limits().MaxUsers)),
			"a message or frame of at most 64 KiB in at most 64 fragments",
			"one computation that runs and eight that wait",
		},
		"Tokens": {
			fmt.Sprintf("A token has at most %d KiB, and so has the header", auth.MaxToken>>10),
			fmt.Sprintf(`new WebSocket(address, [%q, %q + token])`, protocol.Subprotocol, protocol.BearerPrefix),
			fmt.Sprintf("the connection is closed with %d, within a second", protocol.CloseInvalidToken),
		},
		"Closing": {
			fmt.Sprintf("is upgraded and closed with %d at once", protocol.CloseTooMany),
		},
		"Who is online": {
			fmt.Sprintf("of a list of more than %s the first %[1]s are", thousands(cfg.limits().MaxUsers)),
			fmt.Sprintf("`GRACE` (%s)", strings.Replace(cfg.grace.String(), "s", " s", 1)),
		},
	} {
		text := strings.Join(strings.Fields(chapter(t, title)), " ")
		for _, phrase := range phrases {
			if !strings.Contains(text, phrase) {
				t.Errorf("%s: the documentation does not say %q", title, phrase)
			}
		}
	}
}

// watchOf is a watch of so many users.
func watchOf(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%q", fmt.Sprint("user", i))
	}
	return `{"type":"watch","users":[` + strings.Join(names, ",") + `]}`
}

// padded is a ping of so many bytes.
func padded(size int) string {
	const around = `{"type":"ping","x":""}`
	return around[:len(around)-2] + strings.Repeat("x", size-len(around)) + `"}`
}

// fragmented is a ping in so many fragments.
func fragmented(fragments int) (frames []ws.Frame) {
	for i, text := 0, padded(200); i < fragments; i++ {
		f := ws.NewFrame(ws.OpContinuation, i == fragments-1, []byte(text[i:i+1]))
		if i == 0 {
			f = ws.NewFrame(ws.OpText, false, []byte(text[:1]))
		}
		if f.Header.Fin {
			f = ws.NewFrame(ws.OpContinuation, true, []byte(text[i:]))
		}
		frames = append(frames, f)
	}
	return frames
}

// Each limit is where it is documented to be: what is within it is answered, what is one
// over it is not.
func TestDocs_LimitsAreThere(t *testing.T) {
	tg := start(t, embeddedBackend(t), "--command-rate", "0")
	c := dial(t, tg, "ana")
	users := func(n int) string { return `["` + strings.TrimSuffix(strings.Repeat(`u","`, n), `,"`) + `]` }
	for _, tt := range []struct {
		within, kind, over string
	}{
		{`{"type":"fibonacci","n":100000}`, protocol.TypeFibonacci, `{"type":"fibonacci","n":100001}`},
		{`{"type":"sequence","n":1000}`, protocol.TypeSequence, `{"type":"sequence","n":1001}`},
		{`{"type":"ping","id":"` + strings.Repeat("x", 64) + `"}`, protocol.TypePong, `{"type":"ping","id":"` + strings.Repeat("x", 65) + `"}`},
		{`{"type":"ping","id":-12345678901234567890}`, protocol.TypePong, `{"type":"ping","id":123456789012345678901}`},
		{`{"type":"who","users":` + users(1000) + `}`, protocol.TypeWho, `{"type":"who","users":` + users(1001) + `}`},
		{`{"type":"who","limit":1000}`, protocol.TypeWho, `{"type":"who","limit":1001}`},
		{`{"type":"who","limit":1}`, protocol.TypeWho, `{"type":"who","limit":0}`},
	} {
		if m := c.ask(t, tt.within); m.Type != tt.kind {
			t.Errorf("%.80s: %+v", tt.within, m)
		}
		if m := c.ask(t, tt.over); m.Code != protocol.OutOfRange && m.Code != protocol.BadRequest {
			t.Errorf("%.80s: %+v", tt.over, m)
		}
	}
	if m := c.ask(t, watchOf(protocol.MaxPresent+1)); m.Accepted == nil || *m.Accepted != protocol.MaxPresent {
		t.Errorf("a watch of %d: %+v", protocol.MaxPresent+1, m)
	}
	if m := c.ask(t, padded(64<<10)); m.Type != protocol.TypePong {
		t.Errorf("64 KiB: %+v", m)
	}
	for _, f := range fragmented(64) {
		if err := ws.WriteFrame(c.conn, ws.MaskFrame(f)); err != nil {
			t.Fatal(err)
		}
	}
	if m := receive(t, c.messages, "the answer to 64 fragments"); m.Type != protocol.TypePong {
		t.Errorf("64 fragments: %+v", m)
	}
}
