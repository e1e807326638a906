package browser

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestConnect(t *testing.T) {
	s := start(t)
	p := visit(t, s.page())
	p.says("#state", "Not connected")
	p.shoot("start")
	p.dark(true)
	p.shoot("start-dark")
	p.dark(false)
	p.fill("#user", "ana")
	p.click("#connect-button")
	p.says("#state", "Online")
	p.hidden("#connect")
	p.says("#session-user", "ana")
	p.says("#session-node", "n1")
	p.says("#session-connection", "n1/00000001/")
	p.says("#announcer", "Online as ana")
	p.click("#disconnect")
	p.says("#state", "Not connected")
	p.until("the name field has the focus", `document.activeElement.id === "user"`)
	p.says("#announcer", "Disconnected")
	p.open(s.page())
	p.says("#state", "Not connected")
	p.until("the name is remembered", `document.querySelector("#user").value === "ana"`)
}

// Who loads the page again is connected again, as the same user; another tab is not.
func TestConnect_reload(t *testing.T) {
	s := start(t)
	p := online(t, s, "ana")
	p.says("#session-connection", "0000000000000001")
	p.open(s.page())
	p.says("#state", "Online")
	p.says("#session-user", "ana")
	value[any](p, `localStorage.setItem("presence.user", "bob")`) // as another tab of this browser does
	p.open(s.page())
	p.says("#state", "Online")
	p.says("#session-user", "ana")
	other := visit(t, s.page())
	other.says("#state", "Not connected")
	other.until("the name of another is not known here", `document.querySelector("#user").value === ""`)
}

// The page is the same at the address of the socket.
func TestConnect_from_ws(t *testing.T) {
	p := visit(t, start(t).page()+"ws?user=zoe")
	p.fill("#user", "ana")
	p.press("\r")
	p.says("#session-user", "ana")
	p.says("#state", "Online")
}

func TestConnect_bad_names(t *testing.T) {
	p := visit(t, start(t).page())
	p.click("#connect-button")
	p.says("#user-error", "Enter a name to connect with.")
	p.until("the field is wrong, and has the focus", `document.activeElement.matches("#user[aria-invalid=true]")`)
	p.shoot("no-name")
	p.fill("#user", strings.Repeat("é", 65))
	p.press("\r")
	p.says("#user-error", "it has 130 bytes, of at most 128")
	for name, problem := range map[string]string{
		"ana\u202egnp":                         "an invisible character",
		"a\u0007na":                            "an invisible character",
		"forgotten-" + strings.Repeat("a", 26): "somebody who was forgotten",
	} {
		p.fill("#user", "x")
		value[string](p, `document.querySelector("#user").value = `+quote(name))
		p.press("\r")
		p.says("#user-error", problem)
		p.says("#state", "Not connected")
	}
	p.fill("#user", " ana  ") // as telephones like to write
	p.press("\r")
	p.says("#session-user", "ana")
	p.says("#state", "Online")
}

// An operator's kick is the end, until the visitor wants otherwise.
func TestConnect_kicked(t *testing.T) {
	s := start(t)
	p := online(t, s, "ana")
	resp, err := http.Post(s.Admin+"/kick", "application/json", bytes.NewBufferString(`{"user":"ana","reason":"go home"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	p.says("#why", "An operator closed your connection. It says: “go home”. This page does not connect again by itself.")
	p.says("#announcer", "An operator closed your connection.")
	p.says("#state", "Not connected")
	p.shoot("kicked")
	value[any](p, `dispatchEvent(new Event("online"))`) // the network is back: that changes nothing
	p.says("#state", "Not connected")
	if n := len(p.conduct.sockets()); n != 1 {
		t.Errorf("there were %d connections", n)
	}
	p.open(s.page()) // not by a reload either
	p.says("#state", "Not connected")
	p.click("#connect-button")
	p.says("#state", "Online")
}

func TestConnect_too_many(t *testing.T) {
	s := start(t, "--max-conns-per-user", "1")
	online(t, s, "ana")
	second := visit(t, s.page())
	second.fill("#user", "ana")
	second.press("\r")
	second.says("#why", "There are too many connections for this name")
	second.says("#why", "This page does not connect again by itself.")
	second.shoot("too-many")
}

// A server that is started again is found again, without a click. It says when it leaves
// how long to wait, and no try comes before that.
func TestReconnect_restart(t *testing.T) {
	s := start(t)
	p := visit(t, s.page())
	p.overhear(`message.type !== "drain" || (window.drained = { hint: message.reconnectAfterMs, at: performance.now() })`)
	p.fill("#user", "ana")
	p.press("\r")
	p.says("#state", "Online")
	value[any](p, `(() => {
		window.WebSocket = class extends WebSocket {
			constructor(...all) {
				super(...all);
				window.drained.waited ??= performance.now() - window.drained.at;
			}
		};
	})()`)
	p.conduct.excuse("WebSocket connection to") // what is written to the console when nobody listens
	p.says("#people-list", "ana")
	p.listen("#why")
	first := p.text("#session-connection")
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	p.said("#why", "The server is restarting.")
	p.says("#announcer", "The server is restarting. Trying again.")
	p.says("#people-notice", "This is how it was when the connection was lost.")
	p.shoot("restarting")
	s.again(t)
	p.says("#state", "Online")
	p.says("#session-connection", "n1/00000002/")
	if second := p.text("#session-connection"); second == first {
		t.Errorf("the connection is still %s", second)
	}
	p.hidden("#why")
	p.says("#people-count", "1 user, 1 device")

	drained := value[struct{ Hint, Waited float64 }](p, "window.drained") // in milliseconds
	if drained.Hint < 500 || drained.Waited < drained.Hint-1 {
		t.Errorf("the server asked to wait %v ms, and the page tried again after %v ms", drained.Hint, drained.Waited)
	}
}

// A server that dies says nothing. The visitor may try at once.
func TestReconnect_crash(t *testing.T) {
	s := start(t)
	p := online(t, s, "ana")
	p.conduct.excuse("WebSocket connection to")
	p.listen("#why")
	p.listen("#state")
	p.noTriesAfter(4001 * time.Millisecond) // the fifth, or the sixth
	s.Kill()
	p.said("#why", "The connection was lost.")
	p.says("#why", "The server cannot be reached. It may be down or restarting, have no room (503)")
	p.said("#state", "Trying again in 5 s")
	p.shown("#retry")
	p.shoot("unreachable")
	p.dark(true)
	p.shoot("unreachable-dark")
	p.dark(false)
	s.again(t)
	p.click("#retry")
	p.says("#state", "Online")
	p.says("#session-user", "ana")
	p.until("the focus is not lost with the button", `document.activeElement.id === "session-title"`)
}

// Whoever cannot see it is told once that there is no server.
func TestReconnect_never_connected(t *testing.T) {
	s := start(t)
	p := visit(t, s.page())
	p.conduct.excuse("WebSocket connection to")
	p.conduct.excuse("icon.svg") // which a browser fetches last
	s.Kill()
	p.listen("#announcer")
	p.listen("#state")
	p.noTriesAfter(2001 * time.Millisecond) // the fourth, or the fifth
	p.fill("#user", "ana")
	p.press("\r")
	p.says("#announcer", "The server cannot be reached.")
	p.said("#state", "Trying again in 3 s")
	p.until("only once", `window.all["#announcer"].length === 1`)
	s.again(t)
	p.click("#retry")
	p.says("#announcer", "Online as ana")
}

// Disconnecting while it tries again ends the tries.
func TestReconnect_given_up(t *testing.T) {
	s := start(t)
	p := online(t, s, "ana")
	p.conduct.excuse("WebSocket connection to")
	p.noTriesAfter(250 * time.Millisecond) // not one
	s.Kill()
	p.shown("#retry")
	p.click("#disconnect")
	p.says("#state", "Not connected")
	p.shown("#connect-button")
	s.again(t)
	p.click("#connect-button")
	p.says("#state", "Online")
	p.says("#session-connection", "0000000000000001") // nobody had connected before
}

// While the store does not answer, nobody is recorded; and what is asked meanwhile is answered.
func TestConnect_not_recorded(t *testing.T) {
	p := visit(t, start(t).page())
	p.overhear(`message.type !== "welcome"`)
	p.fill("#user", "ana")
	p.press("\r")
	p.says("#state", "Being recorded")
	p.says("#session-words", "Being recorded as")
	p.says("#why", "The server has let you in, but cannot record it yet")
	p.says("#announcer", "The server has let you in, but cannot record it yet")
	p.says("#people-empty", "You will see who is online once you are.")
	p.shoot("not-recorded")
	p.says("#clock-utc", "UTC")
	p.click("#fib button")
	p.says("#fib-title", "F(90)")
}

func TestClock(t *testing.T) {
	p := online(t, start(t), "ana")
	p.until("a round trip is measured", `/\d (µs|ms|s)$/.test(document.querySelector("#clock-latency").innerText)`)
	p.says("#clock-offset", "agrees")
	read := func() string { return value[string](p, `document.querySelector("#clock-time").dateTime`) }
	first := read()
	// A server that is late, as on a busy machine, says the time that it is.
	p.until("the next whole second comes", `((at) => at !== `+quote(first)+` && /T[\d:]{8}Z$/.test(at))(document.querySelector("#clock-time").dateTime)`)
	if at, err := time.Parse(time.RFC3339Nano, read()); err != nil || time.Since(at).Abs() > patience {
		t.Errorf("the time is %s (%v)", at, err)
	}
	p.until("the texts say it", `(() => {
		const time = document.querySelector("#clock-time"), at = new Date(time.dateTime);
		return document.querySelector("#clock-utc").innerText === at.toISOString().slice(0, 19).replace("T", " ") + " UTC"
			&& time.innerText === at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
	})()`)
	p.until("screen readers are not told of it", `!document.querySelector("#clock-time").closest("[aria-live],[role=status],[role=timer],[role=alert]")`)
	p.click("#disconnect")
	p.until("an old time looks old", `document.querySelector(".clock.stale")`)
}

// A network may swallow a connection without a word: the browser has it open for long, and
// the server has not.
func TestReconnect_silence(t *testing.T) {
	p := visit(t, start(t).page())
	p.overhear("socket !== window.deaf")
	value[any](p, `(() => {
		const now = performance.now.bind(performance);
		window.later = 0;
		performance.now = () => now() + window.later;
	})()`)
	p.fill("#user", "ana")
	p.press("\r")
	p.says("#session-connection", "0000000000000001")
	value[any](p, `void (window.deaf = window.theSocket)`)
	value[float64](p, `window.later = 31_000`)
	p.says("#why", "Nothing has come from the server for a while.")
	p.says("#state", "Online")
	p.until("it is another connection", `!document.querySelector("#session-connection").innerText.endsWith("01")`)
	p.hidden("#why")
}

// What is asked while there is no connection has no answer; that is said, for as long as it is so.
func TestReconnect_asked_meanwhile(t *testing.T) {
	s := start(t)
	p := online(t, s, "ana")
	p.conduct.excuse("WebSocket connection to")
	p.shown("#people-search")              // who is online came, too
	p.noTriesAfter(250 * time.Millisecond) // not one
	s.Kill()
	p.shown("#retry")
	for card, enter := range map[string]string{"fib": "7", "seq": "3"} {
		p.fill("#"+card+"-n", enter)
		p.press("\r")
		p.says("#"+card+"-error", "You are not connected at the moment; ask again when you are.")
	}
	p.fill("#people-search", "zoe")
	p.says("#people-empty", "Nobody with that name was online.")
	s.again(t)
	p.click("#retry")
	p.says("#state", "Online")
	p.hidden("#fib-error")
	p.hidden("#seq-error")
	p.until("the fields are right", `document.querySelectorAll("#fib-n[aria-invalid], #seq-n[aria-invalid]").length === 0`)
}
