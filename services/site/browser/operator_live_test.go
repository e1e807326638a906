package browser

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/boltstore"
)

// Keys of the tests.
const (
	left, right   = kb.ArrowLeft, kb.ArrowRight
	home, keyEnd  = kb.Home, kb.End
	escape, enter = kb.Escape, kb.Enter
)

// nobodyListens is what a browser writes to the console when a server is down.
const nobodyListens = "ERR_CONNECTION_REFUSED"

// A server is killed with users on it and started again: the page finds it again by itself,
// says that a node was lost, and what is not known; and no event is missed.
func TestOperator_Kill(t *testing.T) {
	o := startOperators(t)
	ana, bob := o.connect(t, "ana"), o.connect(t, "bob")
	p := o.look(t)
	for _, text := range []string{nobodyListens, "ERR_CONNECTION_RESET", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE"} {
		p.conduct.excuse(text)
	}
	p.says("#nodes", "Beats, ")
	p.says("#nodes", "n1 (this one)")
	p.says("#legend", "2 users online")
	p.says("#crowd", "bob")
	bob.Close()
	p.says("#events", "bob left")
	o.Kill()
	<-ana.Ended()
	p.says("#state", "Cannot be reached")
	p.says("#nodes-error", "The server cannot be reached")
	p.says("#nodes", "Last heard of ")
	p.says("#events-state", "Reconnecting")
	p.shoot("operator-killed")

	o.back(t)
	p.says("#state", "n1 is ready")
	p.hidden("#nodes-error")
	p.says("#events-state", "Live")
	p.says("#events", "n1 was declared lost by n1")
	p.says("#events", "ana was lost with its node, n1")
	p.says("#events", "n1 started")
	if all := p.text("#events"); strings.Count(all, "bob left") != 1 {
		t.Errorf("events were missed, or told twice:\n%s", all)
	}
	p.until("the loss is drawn", query("#chart .mark.lost")+" && "+query("#chart .silence"))
	p.says("#marks-summary", "1 lost, 2 started")
	p.click("#marks-details summary")
	p.says("#marks", "n1, epoch 1, was declared lost. Its last sign of life was ")
	p.says("#marks", "with 1 connection.")
	p.click("#marks .lost button")
	p.until("ana is unknown", query("#crowd tbody tr")+`?.innerText.replace(/\s+/g, " ").startsWith("ana unknown")`)
	p.says("#crowd-total", "0 connections online, 1 unknown")
	p.says("#nodes", "n1/00000002/")
	value[any](p, query("#marks .lost button")+".focus()")
	to := p.text("#when-to")
	p.until("the chart has moved on", query("#when-to")+".innerText !== "+quote(to))
	p.until("the focus is not lost", query("#marks .lost button")+" === document.activeElement")
	p.shoot("operator-back")
}

// A server that leaves in good order and comes again.
func TestOperator_Restart(t *testing.T) {
	o := startOperators(t)
	o.connect(t, "ana")
	p := o.look(t)
	p.conduct.excuse(nobodyListens)
	p.conduct.excuse("ERR_")
	if err := o.Stop(); err != nil {
		t.Fatal(err)
	}
	p.says("#state", "Cannot be reached")
	o.back(t)
	o.connect(t, "bob")
	p.says("#events", "ana left, as its node stopped")
	p.says("#events", "n1 left in good order")
	p.says("#events", "bob came, on n1")
	p.says("#legend", "left")
	p.until("it left, and started", query("#chart .mark.left")+" && "+query("#chart .mark.started"))
}

// The log as it grows: only what is looked for, paused, and names that are hostile.
func TestOperator_Events(t *testing.T) {
	const hostile = `<img src=x onerror="document.title='taken'">`
	o := startOperators(t)
	p := o.look(t)
	p.says("#events-state", "Live")
	p.says("#events-words", "Nothing has happened")
	o.connect(t, "ana").Close()
	p.says("#events", "ana left")
	o.connect(t, hostile)
	p.says("#events", hostile+" came")
	p.says("#events-words", "3 events since")

	p.fill("#events-filter", "ANA")
	p.until("only ana's", query("#events")+".children.length === 2")
	p.says("#events-words", "of the last 3 there are 2 with that.")
	p.fill("#events-filter", "client") // a reason
	p.until("only who left", query("#events")+".children.length === 1")
	p.fill("#events-filter", "")

	p.click("#events-pause")
	p.says("#events-pause", "Go on")
	p.until("what it will do is said once", `!document.querySelector("#events-pause").hasAttribute("aria-pressed")`)
	o.connect(t, "bob")
	p.says("#events-words", "Paused: 1 more has come.")
	if all := p.text("#events"); strings.Contains(all, "bob") {
		t.Errorf("shown although it is paused:\n%s", all)
	}
	p.click("#events-pause")
	p.says("#events", "bob came")
	p.shoot("operator-events")
	p.until("the name is a text", `document.title === "Presence: operations" && !document.querySelector("img[src=x]")`)
}

// Who does not look does not hold on to a connection, and hears afterwards what there was.
// Of very much the last is shown.
func TestOperator_Rest(t *testing.T) {
	o := startOperators(t)
	p := o.look(t)
	p.says("#events-state", "Live")
	p.hide(true)
	p.says("#events-state", "Resting")
	for range 300 {
		o.connect(t, "ana").Close()
	}
	o.connect(t, "bob")
	if words := p.text("#events-words"); !strings.Contains(words, "Nothing has happened") {
		t.Errorf("while nobody looks: %s", words)
	}
	p.hide(false)
	p.says("#events-state", "Live")
	p.says("#events-words", "601 events since this page was opened; the last 500 are here.")
	p.until("the last are here", query("#events")+".children.length === 500 && "+query("#events")+`.innerText.includes("bob came")`)
	p.fill("#events-filter", "bob")
	p.until("one is bob", query("#events")+".children.length === 1")
	for range 250 {
		o.connect(t, "ana").Close()
	}
	p.says("#events-words", "1,101 events since this page was opened, of the last 500 there are 0 with that.")
}

// The log is verified beside the server that writes it.
func TestOperator_Verify(t *testing.T) {
	o := startOperators(t)
	o.connect(t, "ana")
	p := o.look(t)
	p.says("#crowd", "ana")
	p.click("#verify-start")
	p.says("#verify-result", "All holds: who is online is what the log says. It was 1 stream, 2 events, 1 open connection.")
	p.until("it may be asked again", query("#verify-start")+`.ariaDisabled === "false" && document.activeElement.id === "verify-start"`)
	p.hidden("#problems-scroll")
	p.shoot("operator-verified")
}

// What does not hold is listed, and how long it takes is told meanwhile; and what a broken
// log does to the past is told in words.
func TestOperator_VerifyFindsProblems(t *testing.T) {
	dir := t.TempDir()
	damage(t, dir)
	o := startOperators(t, "--data-dir", dir)
	p := visit(t, o.Admin+"/")
	p.says("#legend", "unknown; but without n9/00000001, whose log is broken: see Verify")
	p.click("#verify-start")
	p.shown("#verify-stop")
	p.says("#verify-progress", "Running for ")
	p.click("#verify-stop")
	p.says("#verify-result", "Stopped. Nothing can be said.")
	p.until("the focus is not lost", `document.activeElement.id === "verify-start"`)
	p.conduct.excuse("409 (Conflict)") // the server may not have noticed yet, or says so twice:
	p.until("it is busy", `(() => {
		const ask = window.fetch;
		let busy = 2;
		window.fetch = (where, how) => how.method === "POST" && busy-- > 0
			? Promise.resolve(new Response('{"message":"busy"}', { status: 409 })) : ask(where, how);
		return true;
	})()`)
	p.click("#verify-start")
	p.says("#verify-result", "1 problem in ")
	p.says("#problems", "n9/00000001")
	p.shoot("operator-problems")
}

// damage writes a log that breaks its own grammar: a connection ends twice.
func damage(t *testing.T, dir string) {
	t.Helper()
	db, err := boltstore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	n9, at := events.Stream{Node: "n9", Epoch: 1}, events.Milliseconds(time.Now()).Add(-time.Minute)
	end := events.Event{ID: n9.At(2), Type: events.Disconnected, At: at, User: "ana", Conn: n9.At(1), Reason: events.Client}
	again := end
	again.ID = n9.At(3)
	for _, run := range [][]events.Event{
		{{ID: n9.At(0), Type: events.Opened, At: at, Process: "p"}, {ID: n9.At(1), Type: events.Connected, At: at, User: "ana"}, end},
		{again, {ID: n9.At(4), Type: events.Sealed, At: at, By: "n9", Reason: events.Shutdown}},
	} {
		if _, err := db.Store().Log.Append(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// More users than a page has: the time that is looked at stays, while they are read.
func TestOperator_More(t *testing.T) {
	o := startOperators(t)
	for i := range 120 {
		o.connect(t, fmt.Sprintf("user-%03d", i))
	}
	p := o.look(t)
	p.until("a page", query("#crowd tbody")+".rows.length === 100")
	p.says("#crowd-total", "120 connections online")
	p.click("#crowd-more")
	p.until("all", query("#crowd tbody")+".rows.length === 120")
	p.hidden("#crowd-more")
	p.says("#crowd", "user-119")
	to := p.text("#when-to")
	p.until("the chart has moved on", query("#when-to")+".innerText !== "+quote(to))
	if n := value[int](p, query("#crowd tbody")+".rows.length"); n != 120 {
		t.Errorf("%d users are left", n)
	}
}

// With ADMIN_TOKEN the page asks for it, keeps it for the tab, and forgets it when it is
// told to; without it nothing is shown.
func TestOperator_Token(t *testing.T) {
	const token = "0123456789abcdef0123"
	o := startOperators(t, "--admin-token", token)
	o.connect(t, "ana")
	p := visit(t, o.Admin+"/")
	p.conduct.excuse("401 (Unauthorized)") // which a browser writes to the console by itself
	p.shown("#lock")
	p.hidden("#app")
	p.says("#state", "Locked")
	p.until("the field has the focus", `document.activeElement.id === "token"`)
	p.shoot("operator-token")
	p.legible()
	p.dark(false)
	p.fill("#token", "")
	p.press(enter)
	p.says("#token-error", "Enter the token.")
	p.fill("#token", "wrong")
	p.press(enter)
	p.says("#token-error", "That is not the token of this server.")
	p.fill("#token", "two words")
	p.press(enter)
	p.says("#token-error", "white space")
	p.fill("#token", token)
	p.press(enter)
	p.says("#state", "n1 is ready")
	p.says("#crowd", "ana")
	p.says("#events-state", "Live")
	p.hidden("#lock")
	p.until("it is in no address", "!location.href.includes("+quote(token)+")")

	p.open(o.Admin + "/")
	p.says("#state", "n1 is ready")
	p.click("#crowd tbody button")
	p.says("#user-name", "ana")
	p.click("#user-close")
	p.click("#forget-token")
	p.shown("#lock")
	p.until("no number is left", `["cluster", "stats-node", "stats", "legend", "history-span", "when-words", "when-from", "marks-summary", "crowd-total", "crowd-when", "user-name", "user-seen"]
		.every((id) => document.getElementById(id).textContent === "")`)
	p.until("nothing is left", `sessionStorage.length === 0 && localStorage.length === 0 && !document.body.textContent.includes("ana")`)
	p.open(o.Admin + "/")
	p.shown("#lock")
}
