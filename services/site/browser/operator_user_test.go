package browser

import (
	"fmt"
	"testing"

	"github.com/presenced/presence/services/presenced/witness"
)

// One user: where he is, and was; and he is closed, once that is confirmed.
func TestOperator_User(t *testing.T) {
	const hostile = `<b>ana</b>/"?`
	o := startOperators(t)
	o.connect(t, hostile).Close()
	one, other := o.connect(t, hostile), o.connect(t, hostile)
	p := o.look(t)
	p.click("#crowd tbody button")
	p.says("#user-name", hostile)
	p.says("#user-seen", "Online.")
	p.until("two connections", query("#user-connections")+".children.length === 2")
	p.until("three sessions", query("#sessions tbody")+".rows.length === 3")
	p.says("#sessions", "The client left")

	p.click("#user-connections li:first-child button")
	p.says("#kick-words", "Close the connection n1/00000001/")
	p.click("#kick-no")
	p.hidden("#kick-confirm")
	p.until("the focus is back", query("#user-connections button")+" === document.activeElement")

	p.fill("#kick-reason", "go <home>")
	p.press(enter + enter) // as when it is held down
	p.says("#kick-words", "Close all connections of this user?")
	p.until("the question has the focus", `document.activeElement.id === "kick-confirm"`)
	p.shoot("operator-kick")
	p.legible()
	p.dark(false)
	p.click("#kick-yes")
	p.says("#kick-result", "2 connections closed.")
	p.says("#user-seen", "Offline; last seen ")
	p.says("#sessions", "Closed by an operator")
	for _, c := range []*witness.Client{one, other} {
		<-c.Ended()
		if seen := c.Seen(); seen.Code != 4503 {
			t.Errorf("closed with %d", seen.Code)
		}
	}
	p.says("#user-offline", "There are none.")
	p.until("the focus is not lost", `document.activeElement.id === "user-title"`)
	p.shoot("operator-user")
	p.size(390, 844)
	p.fits()
	p.until("nothing of it is beyond the window", query("#user")+".getBoundingClientRect().right <= 390 && "+query("#user")+".scrollWidth <= "+query("#user")+".clientWidth")
	p.shoot("operator-user-phone")
	p.press(escape)
	p.hidden("#user")
	p.says("#events", "was closed by an operator")
}

// Many sessions and connections: each is shown once, and that there are more is said, as is
// what goes wrong; also when there is no chart.
func TestOperator_UserOfMany(t *testing.T) {
	o := startOperators(t)
	for range 60 {
		o.connect(t, "ana").Close()
	}
	for range 100 {
		o.connect(t, "ana")
	}
	p := blank(t, o.Admin+"/")
	p.before(failing("/timeline", 0))
	p.open(o.Admin + "/")
	p.says("#history-error", "The server cannot be reached.")
	p.says("#events-state", "Live")
	o.connect(t, "ana")
	p.click("#events button")
	p.says("#user-connections", "There are more; these are the first 100.")
	rows := query("#sessions tbody") + ".rows"
	p.until("a page of sessions", rows+".length === 100")

	value[any](p, failing("/history", 1))
	p.click("#sessions-more")
	p.says("#user-error", "The server cannot be reached.")
	value[any](p, `(() => { for (let i = 0; i < 3; i++) document.querySelector("#sessions-more").click() })()`)
	p.until("all sessions", rows+".length > 100")
	p.settled()
	p.until("each once", `(all => all.length === 161 && new Set(all).size === 161)([...`+rows+`].map((row) => row.cells[5].textContent))`)
	p.hidden("#sessions-more")
	p.until("the focus is not lost", `document.activeElement.id === "sessions-scroll"`)
}

// failing is a program that lets the network fail for a path, so many times; 0: for ever.
func failing(path string, times int) string {
	return fmt.Sprintf(`(() => {
		const ask = window.fetch;
		let left = %d || Infinity;
		window.fetch = (where, how) => where.pathname.startsWith(%q) && left-- > 0 ? Promise.reject(new TypeError("no network")) : ask(where, how);
	})()`, times, path)
}

// Whoever looks at another user meanwhile is not told that he was kicked.
func TestOperator_KickOfAnother(t *testing.T) {
	o := startOperators(t)
	o.connect(t, "ana")
	o.connect(t, "bob")
	p := o.look(t)
	value[any](p, `(() => {
		const ask = window.fetch;
		window.fetch = async (where, how) => {
			const answer = await ask(where, how);
			if (how.method === "POST") await new Promise((done) => (window.letGo = done));
			return answer;
		};
	})()`)
	show := func(user string) {
		t.Helper()
		p.until(user+" is listed", `[...document.querySelectorAll("#crowd button")].some((b) => b.textContent === `+quote(user)+` && (b.click() ?? true))`)
		p.says("#user-name", user)
		p.says("#user-seen", "Online.")
	}
	show("ana")
	p.click("#kick-ask")
	p.click("#kick-yes")
	p.until("it is answered", "window.letGo")
	p.click("#user-close")
	p.hidden("#user")
	show("bob")
	value[any](p, "window.letGo()")
	p.settled()
	p.hidden("#kick-result")
}

// Browsers take a name of dots for a folder: that is said.
func TestOperator_UserOfDots(t *testing.T) {
	o := startOperators(t)
	o.connect(t, "..")
	p := o.look(t)
	p.click("#crowd tbody button")
	p.says("#user-error", "A browser cannot ask for a user of this name.")
	p.says("#user-seen", "Online.")
	p.click("#user-close")
	p.hidden("#user")
}
