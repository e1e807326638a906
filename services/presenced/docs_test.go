package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/presenced/presence/services/protocol"
)

// chapter is the text of a chapter of docs/PROTOCOL.md.
func chapter(t *testing.T, title string) string {
	t.Helper()
	doc, err := os.ReadFile("../../docs/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(doc), "\n## "+title+"\n")
	if !found {
		t.Fatalf("docs/PROTOCOL.md has no chapter %s", title)
	}
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

var inBackticks = regexp.MustCompile("`([^`]*)`")

// quoted are the parts of a text that stand in backticks.
func quoted(text string) (all []string) {
	for _, found := range inBackticks.FindAllStringSubmatch(text, -1) {
		all = append(all, found[1])
	}
	return all
}

// talker is a client that compares what is said with what is documented, byte by byte.
type talker struct {
	conn net.Conn
	in   *bufio.Reader
}

// meet connects.
func meet(t *testing.T, tg *target, path string, d ws.Dialer) *talker {
	t.Helper()
	conn, in, _, err := d.Dial(t.Context(), tg.ws+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if in == nil {
		in = bufio.NewReader(conn)
	}
	return &talker{conn, in}
}

// talkTo connects, and waits for the welcome.
func talkTo(t *testing.T, tg *target, path string, d ws.Dialer) *talker {
	t.Helper()
	k := meet(t, tg, path, d)
	k.hear(t, protocol.TypeWelcome)
	return k
}

// hear is the text of the next message of a type, and of no other but the time.
func (k *talker) hear(t *testing.T, kind string) string {
	t.Helper()
	for {
		_ = k.conn.SetReadDeadline(time.Now().Add(patience))
		f, err := readFrame(k.in)
		if err != nil {
			t.Fatalf("waited in vain for %s: %v", kind, err)
		}
		if f.Header.OpCode != ws.OpText {
			continue
		}
		m, err := protocol.Decode(f.Payload)
		switch {
		case err != nil:
			t.Fatal(err)
		case m.Type == kind:
			return string(f.Payload)
		case m.Type != protocol.TypeTime:
			t.Fatalf("heard %s, want %s", f.Payload, kind)
		}
	}
}

// ask says something and returns the answer, which is of a type.
func (k *talker) ask(t *testing.T, text, kind string) string {
	t.Helper()
	if err := wsutil.WriteClientText(k.conn, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return k.hear(t, kind)
}

// kindOf is the type of a documented message or command.
func kindOf(t *testing.T, text string) string {
	t.Helper()
	var m struct{ Type string }
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return m.Type
}

// varying are the fields whose values an example cannot foretell.
var varying = []string{
	"since", "time", "unixMs", "expires", "position", "connection", "version", "total", "reconnectAfterMs",
}

// wantAlike holds that a message is what is documented: it has the same fields, in the
// same order, with the same values but for those that vary.
func wantAlike(t *testing.T, got, documented string) {
	t.Helper()
	if g, d := skeleton(t, got), skeleton(t, documented); g != d {
		t.Errorf("got %s, documented %s", got, documented)
	}
}

var varyingField = regexp.MustCompile(`"(` + strings.Join(varying, "|") + `)":("[^"]*"|[0-9]+)`)

// skeleton is a message without what varies.
func skeleton(t *testing.T, text string) string {
	t.Helper()
	if !json.Valid([]byte(text)) {
		t.Errorf("not JSON: %s", text)
	}
	return varyingField.ReplaceAllString(text, `"$1":?`)
}

// Every command of the table is answered as it says.
func TestDocs_Commands(t *testing.T) {
	tg, locked := start(t, embeddedBackend(t)), startJWT(t, embeddedBackend(t))
	dial(t, tg, "2")
	ana, shown := talkTo(t, tg, "/ws?user=ana", ws.Dialer{}), talkTo(t, locked, "/ws", withToken(token(t, "ana", time.Hour)))
	n := 0
	for line := range strings.Lines(chapter(t, "From the client")) {
		cells := strings.Split(line, "|")
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		n++
		command, answer := quoted(cells[1])[0], quoted(cells[2])
		switch {
		case strings.Contains(command, `"token"`):
			command = strings.Replace(command, "eyJ…", token(t, "ana", time.Hour), 1)
			wantAlike(t, shown.ask(t, command, protocol.TypeToken), answer[0])
		case strings.HasPrefix(cells[2], " as `"):
			wantAlike(t, ana.ask(t, command, protocol.TypeFibonacci), ana.ask(t, answer[0], protocol.TypeFibonacci))
		case strings.Contains(command, "matrix"):
			for _, name := range answer {
				m := ana.ask(t, strings.Replace(command, "matrix", name, 1), protocol.TypeFibonacci)
				if !strings.Contains(m, `"algorithm":"`+name+`"`) {
					t.Errorf("%s: %s", name, m)
				}
			}
		case len(answer) > 0 && strings.HasPrefix(answer[0], "{"):
			wantAlike(t, ana.ask(t, command, kindOf(t, answer[0])), answer[0])
		default:
			ana.ask(t, command, kindOf(t, command))
		}
	}
	if n != 10 {
		t.Errorf("the table has %d commands", n)
	}
}

// dialogue is what is said in one of the documentation's: a command and what follows.
type dialogue struct {
	said  string
	heard []string
}

func dialogues(t *testing.T, title string) (all []dialogue) {
	t.Helper()
	for line := range strings.Lines(chapter(t, title)) {
		line = strings.TrimSpace(line)
		if said, is := strings.CutPrefix(line, "→ "); is {
			all = append(all, dialogue{said: said})
		}
		if heard, is := strings.CutPrefix(line, "← "); is {
			last := &all[len(all)-1]
			last.heard = append(last.heard, heard)
		}
	}
	return all
}

// changes are the users of a push, or of several.
type changes struct{ joins, leaves []string }

// add takes a push, which has the fields of the documented one.
func (c *changes) add(t *testing.T, push, documented string) {
	t.Helper()
	wantAlike(t, emptied(push), emptied(documented))
	m, err := protocol.Decode([]byte(push))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Joins {
		c.joins = append(c.joins, present(p))
	}
	for _, p := range m.Leaves {
		c.leaves = append(c.leaves, present(p))
	}
}

// present is who a message tells of, and which fields it has of him.
func present(p protocol.Present) string {
	return fmt.Sprint(p.User, " ", p.Connection != "", !p.Since.IsZero(), p.Connections)
}

var lists = regexp.MustCompile(`\[[^]]*\]`)

// emptied is a push without those it tells of.
func emptied(push string) string { return lists.ReplaceAllString(push, "[]") }

// The dialogues of the chapter on who is online happen as they stand there.
func TestDocs_Watch(t *testing.T) {
	all := dialogues(t, "Who is online")
	if len(all) != 2 || len(all[0].heard) != 2 || len(all[1].heard) != 2 {
		t.Fatalf("the dialogues are %+v", all)
	}
	for i, d := range all {
		tg := start(t, embeddedBackend(t), "--grace", "1ms")
		ana := dial(t, tg, "ana")
		watcher := talkTo(t, tg, "/?user=watcher", ws.Dialer{})
		wantAlike(t, watcher.ask(t, d.said, protocol.TypeWatch), d.heard[0])
		var want, got changes
		want.add(t, d.heard[1], d.heard[1])
		if i == 0 {
			dial(t, tg, "bob")
		}
		_ = ana.conn.Close()
		for len(got.joins) < len(want.joins) || len(got.leaves) < len(want.leaves) {
			got.add(t, watcher.hear(t, protocol.TypePresence), d.heard[1])
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("told of %v, documented %v", got, want)
		}
	}
}

// What the server says unasked is as documented, and an error is to the letter.
func TestDocs_Messages(t *testing.T) {
	unasked := make(map[string]string)
	for line := range strings.Lines(chapter(t, "From the server, unasked")) {
		for _, text := range quoted(line) {
			if json.Valid([]byte(text)) {
				unasked[kindOf(t, strings.ReplaceAll(text, `"time":"…"`, `"time":"2026-11-23T10:00:00Z"`))] = text
			}
		}
	}
	if got := slices.Sorted(maps.Keys(unasked)); !slices.Equal(got, []string{"drain", "time", "welcome"}) {
		t.Fatalf("the table has %v", got)
	}
	tg := start(t, embeddedBackend(t))
	k := meet(t, tg, "/ws?user=42", ws.Dialer{})
	wantAlike(t, k.hear(t, "welcome"), unasked["welcome"])
	wantAlike(t, k.hear(t, "time"), unasked["time"])
	var doc protocol.Message
	if err := json.Unmarshal([]byte(unasked["time"]), &doc); err != nil || doc.Time.UnixMilli() != doc.UnixMs {
		t.Errorf("%s: %v", unasked["time"], err)
	}
	documented := strings.TrimSpace(strings.SplitAfter(chapter(t, "Errors"), "}\n")[0])
	if got := k.ask(t, `{"type":"fibonacci","id":"a1","n":-1}`, protocol.TypeError); got != documented {
		t.Errorf("got %s, documented %s", got, documented)
	}
	stopped := make(chan exitCode)
	go func() { stopped <- tg.stop() }()
	wantAlike(t, k.hear(t, "drain"), unasked["drain"])
	_ = k.conn.Close()
	<-stopped
}

// A token is taken in each of the header fields that are documented.
func TestDocs_Handshake(t *testing.T) {
	tg := startJWT(t, embeddedBackend(t))
	shown := 0
	for line := range strings.Lines(chapter(t, "Tokens")) {
		name, text, is := strings.Cut(strings.TrimSpace(line), ": ")
		if !is || !strings.HasPrefix(line, "    ") {
			continue
		}
		shown++
		text = strings.Replace(text, "eyJ…", token(t, "ana", time.Hour), 1)
		d := ws.Dialer{Header: ws.HandshakeHeaderHTTP{name: {text}}}
		if name == "Sec-WebSocket-Protocol" {
			d = ws.Dialer{Protocols: strings.Split(text, ", ")}
		}
		talkTo(t, tg, "/ws", d)
	}
	if shown != 2 {
		t.Errorf("%d fields are documented", shown)
	}
}

// statusOf sends a request, or a part of one, and returns the answer.
func statusOf(t *testing.T, tg *target, head string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(tg.ws, "ws://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, strings.ReplaceAll(head, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%.100s: %v", head, err)
	}
	_ = resp.Body.Close()
	return resp
}

// The list of refusals is that of what the server really answers.
func TestDocs_Refusals(t *testing.T) {
	const rest = "Host: x\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"
	tg, locked, full := start(t, embeddedBackend(t)), startJWT(t, embeddedBackend(t)), start(t, embeddedBackend(t), "--queue", "2")
	dial(t, full, "first")
	got := make(map[string]bool)
	for _, tt := range []struct {
		tg           *target
		head, header string
	}{
		{tg, "GET / HTTP/1.1\n" + rest + "\n", ""},
		{locked, "GET / HTTP/1.1\n" + rest + "\n", "WWW-Authenticate"},
		{tg, "GET /?user=a HTTP/1.1\n" + rest + "Origin: null\n\n", ""},
		{tg, "GET /chat?user=a HTTP/1.1\n" + rest + "\n", ""},
		{tg, "POST /?user=a HTTP/1.1\n" + rest + "\n", "Allow"},
		{tg, "GET /?user=a HTTP/1.1\nHost", ""},
		{tg, "GET /?user=a HTTP/1.1\n" + strings.Replace(rest, "13", "8", 1) + "\n", "Sec-WebSocket-Version"},
		{tg, "GET /?user=a HTTP/1.1\n" + rest + "X: " + strings.Repeat("x", 9000) + "\n\n", ""},
		{full, "GET /?user=a HTTP/1.1\n" + rest + "\n", "Retry-After"},
		{tg, "GET /?user=a HTTP/1.0\n" + rest + "\n", ""},
	} {
		resp := statusOf(t, tt.tg, tt.head)
		got[fmt.Sprint(resp.StatusCode)] = true
		if tt.header != "" && resp.Header.Get(tt.header) == "" {
			t.Errorf("%d without %s", resp.StatusCode, tt.header)
		}
	}
	list, _, _ := strings.Cut(chapter(t, "Refused at the door"), ".\n\n")
	documented := regexp.MustCompile(`\b[45][0-9][0-9]\b`).FindAllString(list, -1)
	if want := slices.Sorted(maps.Keys(got)); !slices.Equal(documented, want) {
		t.Errorf("documented %v, answered %v", documented, want)
	}
}
