package browser

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// Two people see each other come and go.
func TestPeople_two_browsers(t *testing.T) {
	s := start(t)
	ana := online(t, s, "ana")
	ana.says("#people-count", "1 user, 1 device")
	ana.says(".person", "you")
	bob := online(t, s, "bob")
	ana.says(`.person[data-mark="joined"]`, "bob")
	ana.says("#people-count", "2 users, 2 devices")
	bob.says("#people-list", "ana")
	ana.shoot("people-joined")

	second := online(t, s, "bob")
	ana.says(".person:nth-child(2)", "2 devices")
	ana.says("#people-count", "2 users, 3 devices")
	second.click("#disconnect")
	ana.says(".person:nth-child(2)", "1 device,")
	bob.click("#disconnect")
	ana.says(`.person[data-mark="left"]`, "bob")
	ana.says("#people-count", "1 user, 1 device")
	ana.shoot("people-left")
	ana.until("who left is not shown for ever", `document.querySelectorAll(".person").length === 1`)
	bob.says("#people-empty", "Connect to see who is online.")
	ana.until("nobody is told aloud", `!document.querySelector("#people-list").closest("[aria-live],[role=status],[role=log]")`)
}

// hostile are names that a page must not take for anything else.
var hostile = []string{
	`<img src=x onerror=alert(1)>`,
	`"><script>alert(1)</script>`,
	`{{7*7}}${7*7}`,
	`&lt;b&gt;`,
	`javascript:alert(1)`,
	strings.Repeat("w", 128),
	strings.Repeat("é", 64),
	"שלום",
	"مرحبا (بك) 12",
	"a" + strings.Repeat("\u0301", 40),
	"👩‍👩‍👧‍👦",
	"__proto__", "constructor", "null",
}

func TestPeople_hostile_names(t *testing.T) {
	s := start(t)
	p := online(t, s, hostile[0])
	for _, name := range hostile[1:] {
		s.connect(t, name)
	}
	p.says("#people-count", fmt.Sprintf("%d users", len(hostile)))
	shown := value[[]string](p, `[...document.querySelectorAll("#people-list .name bdi")].map(e => e.textContent)`)
	want := slices.Clone(hostile)
	slices.Sort(shown)
	slices.Sort(want)
	if !slices.Equal(shown, want) {
		t.Errorf("the names are shown as %q", shown)
	}
	p.until("spaces are kept, so that two names do not look the same", `getComputedStyle(document.querySelector("#people-list bdi")).whiteSpaceCollapse === "preserve"`)
	p.until("names are text only", `[...document.querySelectorAll("bdi")].every(e => e.children.length === 0)`)
	p.until("there is no other script and picture", `document.scripts.length === 1 && document.images.length === 1`)
	p.says("#session-user", hostile[0])
	p.size(360, 740)
	p.noSideways()
	p.shoot("hostile-phone")
	p.size(1280, 900)
	p.shoot("hostile")
	p.fill("#people-search", "ONERROR")
	p.until("one is found", `document.querySelectorAll(".person").length === 1`)
}

// Of many only some are shown, and the others can be found.
func TestPeople_many(t *testing.T) {
	s := start(t)
	for i := range 250 {
		s.connect(t, fmt.Sprintf("user %03d", i))
	}
	p := online(t, s, "ana")
	rows := `document.querySelectorAll(".person").length`
	p.says("#people-count", "251 users, 251 devices")
	p.until("100 are shown", rows+" === 100")
	p.says("#people-more", "Show 100 more of 151")
	p.shoot("people-many")
	p.click("#people-more")
	p.until("200 are shown", rows+" === 200")
	p.click("#people-more")
	p.until("all are shown", rows+" === 251")
	p.hidden("#people-more")
	p.until("the focus is not lost", `document.activeElement.id === "people-scroll"`)
	p.fill("#people-search", "User 24")
	p.until("ten are found", rows+" === 10")
	p.says("#announcer", "10 users found")
	p.fill("#people-search", "nobody")
	p.says("#people-empty", "Nobody with that name is online.")
	p.fill("#people-search", "")
	p.until("100 are shown again", rows+" === 100")
}

// Of very many a page is asked for at a time.
func TestPeople_pages(t *testing.T) {
	s := start(t)
	for i := range 250 {
		s.connect(t, fmt.Sprintf("user %03d", i))
	}
	p := visit(t, s.page())
	p.overhear("true")
	value[int](p, `import("./assets/sight.js").then(m => m.bounds.everyone = 200)`)
	p.fill("#user", "ana")
	p.press("\r")
	names := func(first, last string, n int) {
		t.Helper()
		p.until(fmt.Sprintf("%d users from %s to %s are shown", n, first, last), fmt.Sprintf(
			`(rows => rows.length === %d && rows[0].textContent === %q && rows.at(-1).textContent === %q)([...document.querySelectorAll(".person bdi")])`, n, first, last))
	}
	names("ana", "user 098", 100)
	p.says("#people-count", "251 devices")
	p.shoot("people-pages")
	p.click("#people-next")
	names("user 099", "user 198", 100)
	p.click("#people-next")
	names("user 199", "user 249", 51)
	p.until("there is no next page", `document.querySelector("#people-next").disabled`)
	s.connect(t, "user 249")
	p.says(".person:last-child", "2 devices")
	s.connect(t, "bob") // who is on another page
	p.says("#people-count", "253 devices")
	p.click("#people-first")
	names("ana", "user 097", 100)
	p.fill("#people-search", "user 1")
	names("user 100", "user 199", 100)
	p.says("#announcer", "100 users found")
	p.fill("#people-search", "user 12")
	names("user 120", "user 129", 10)
	p.says("#announcer", "10 users found")
	p.fill("#people-search", "user 123")
	names("user 123", "user 123", 1)
	p.fill("#people-search", "user 24")
	names("user 240", "user 249", 10)
	s.connect(t, "user 24x")
	p.says("#people-count", "254 devices")
	p.heard(`{"type":"error","code":"forbidden","message":"the watch has ended"}`) // it begins anew, with what is looked for
	names("user 240", "user 24x", 11)
	p.fill("#people-search", "zzz")
	p.says("#people-empty", "Nobody with that name is online.")
}

func TestPeople_listed(t *testing.T) {
	s := startWithTokens(t)
	visitor := func(user string) *tab {
		p := visit(t, s.page())
		p.show(token(user, time.Now().Add(time.Hour)))
		p.says("#state", "Online")
		return p
	}
	ana := visitor("ana")
	ana.says("#people-notice", "This server tells only of users whom you name (WHO=listed)")
	ana.says("#people-list", "ana")
	ana.fill("#people-names", "bob\nzoe\n")
	ana.click("#people-named button")
	ana.says(".person:nth-child(1) bdi", "bob")
	ana.says(".person:nth-child(1) .badge", "not online")
	ana.shoot("people-listed")
	visitor("zoe")
	ana.says(".person:nth-child(2) bdi", "zoe")
	ana.says(".person:nth-child(2) .badge", "joined")
	ana.says("#people-count", "1 user, 1 device")
	ana.says("#fib-title", "F(90)") // the rest works
}

// More names than a server watches, and more text than it takes, are not sent to it in vain.
func TestPeople_listed_many(t *testing.T) {
	p := visit(t, startWithTokens(t).page())
	p.show(token("ana", time.Now().Add(time.Hour)))
	p.says("#people-list", "ana")
	watch := func(format string, n int) {
		t.Helper()
		var all strings.Builder
		for i := range n {
			fmt.Fprintf(&all, format+"\n", i)
		}
		value[string](p, `document.querySelector("#people-names").value = `+quote(all.String()))
		p.click("#people-named button")
	}
	watch("user %d", 1002)
	p.says("#people-notice", "The server watches 1,000 names at most. The last 2 that you entered are left out.")
	p.says("#people-more", "Show 100 more of 900")
	watch(strings.Repeat("w", 100)+"%d", 1000)
	p.says("#people-notice", "That is more than the server takes at once (64 KiB); ask for less.")
	p.says("#state", "Online")
	watch("bob %d", 1)
	p.says(".person:only-child bdi", "bob 0")
	p.says("#people-notice", "This server tells only of users whom you name")
}

// How an older question ended is not told, once a newer one is answered.
func TestPeople_asked_twice(t *testing.T) {
	p := visit(t, start(t).page())
	give := p.holdBack("who", "who")
	value[any](p, `(() => { let n = 0; window.asked.push = function (message) { Array.prototype.push.call(this, { ...message, n: ++n }); }; })()`)
	p.fill("#user", "ana")
	p.press("\r")
	p.says("#state", "Online")
	p.heard(`{"type":"error","code":"forbidden","message":"the watch has ended"}`)
	give(2, `{"given":true,"type":"who","id":%q,"users":[],"total":1}`)
	p.says("#people-list", "ana")
	give(1, `{"given":true,"type":"error","id":%q,"code":"busy","message":"too much","retryable":true}`)
	p.settled()
	p.hidden("#people-notice")
}

func TestPeople_off(t *testing.T) {
	p := online(t, start(t, "--who", "off"), "ana")
	p.says("#people-notice", "This server does not tell who is online (WHO=off). All else works.")
	p.hidden("#people-find")
	p.hidden("#people-named")
	p.shoot("people-off")
	p.says("#fib-title", "F(90)")
	p.says("#clock-utc", "UTC")
}

// What a server tells seldom, and only in trouble.
func TestPeople_trouble(t *testing.T) {
	s := start(t)
	p := visit(t, s.page())
	p.overhear("true")
	p.fill("#user", "ana")
	p.press("\r")
	p.says("#people-count", "1 user")
	p.heard(`{"type":"presence","stale":true}`)
	p.says("#people-notice", "The server has not been able to read its log for a while, so this may be old.")
	p.heard(`{"type":"presence","stale":false}`)
	p.hidden("#people-notice")

	p.heard(`{"type":"watch","level":"connections","resync":true,"part":1,"more":true,"connections":[{"connection":"n9/1","user":"max","since":"2026-11-23T10:00:00Z"}]}`)
	p.heard(`{"type":"watch","level":"connections","resync":true,"part":2,"connections":[{"connection":"n9/2","user":"moritz","since":"2026-11-23T10:00:00Z"}]}`)
	p.says("#people-count", "2 users, 2 devices")
	p.says("#people-list", "moritz")

	s.connect(t, "bob")
	p.heard(`{"type":"error","code":"forbidden","message":"the new token is not for watching everyone: the watch has ended"}`)
	p.says("#people-list", "bob") // it has begun anew, and this server lets it
	p.says("#people-count", "2 users, 2 devices")
	p.heard(`{"type":"news","text":"of a later version"}`)
	p.says("#state", "Online")
}

// Who comes and goes takes no name away that somebody is about to copy.
func TestPeople_selection(t *testing.T) {
	s := start(t)
	s.connect(t, "dora")
	p := online(t, s, "max")
	p.says("#people-count", "2 users")
	const selected = `getSelection().toString()`
	value[any](p, `getSelection().selectAllChildren([...document.querySelectorAll(".person bdi")].find((name) => name.textContent === "dora"))`)
	p.until("a name is selected", selected+` === "dora"`)
	s.connect(t, "ana")
	s.connect(t, "zoe")
	p.says("#people-count", "4 users")
	p.says(".person:nth-child(1)", "ana")
	p.says(".person:nth-child(2)", "dora")
	p.until("it still is", selected+` === "dora"`)
}
