package browser

import "testing"

func TestConnect(t *testing.T) {
	s := start(t)
	p := visit(t, s.page())
	p.says("#state", "Not connected")
	p.shoot("start")
	p.fill("#user", "ana")
	p.click("#connect-button")
	p.says("#state", "Online")
	p.says("#session-user", "ana")
	p.says("#session-node", "n1")
	p.says("#session-connection", "n1/00000001/")
	p.hidden("#connect")
	p.says("#clock-utc", "UTC")
	p.until("a round trip is measured", `/\d (µs|ms|s)$/.test(`+query("#clock-latency")+`.innerText)`)
	p.shoot("online")
	p.dark(true)
	p.shoot("online-dark")
	p.dark(false)
	p.click("#disconnect")
	p.says("#state", "Not connected")
	p.until("the name field has the focus", `document.activeElement.id === "user"`)
}

// A server that is started again is found again, without a click.
func TestReconnect_restart(t *testing.T) {
	s := start(t)
	p := visit(t, s.page())
	p.conduct.excuse("WebSocket connection to") // what is written to the console when nobody listens
	p.fill("#user", "ana")
	p.press("\r")
	p.says("#state", "Online")
	first := p.text("#session-connection")
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	p.says("#why", "The server is restarting.")
	p.shoot("restarting")
	s.again(t)
	p.says("#state", "Online")
	p.says("#session-connection", "n1/00000002/")
	if second := p.text("#session-connection"); second == first {
		t.Errorf("the connection is still %s", second)
	}
	p.hidden("#why")
}
