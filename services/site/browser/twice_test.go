package browser

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// Whoever double-clicks means what stood there at the first click. On a small telephone the
// buttons to connect and to disconnect take each other's place.
func TestConnect_double_click(t *testing.T) {
	p := visit(t, start(t).page())
	p.size(320, 740)
	p.fill("#user", "ana")
	value[any](p, `(() => {
		window.hit = [];
		addEventListener("click", (event) => event.detail > 0 && window.hit.push(event.target.id), { capture: true });
	})()`)
	p.clickTwice("#connect-button")
	p.says("#state", "Online")
	p.shown("#session-facts")
	p.until("the double click is over", `new Promise((done) => setTimeout(() => done(true), 600))`)

	p.clickTwice("#disconnect")
	p.until("the second click comes where one connects", `window.hit.slice(-2).join() === "disconnect,connect-button"`)
	p.settled()
	p.says("#state", "Not connected")
	if n := len(p.conduct.sockets()); n != 1 {
		t.Errorf("there were %d connections", n)
	}
	p.until("the double click is over", `new Promise((done) => setTimeout(() => done(true), 600))`)
	p.click("#connect-button")
	p.says("#state", "Online")
}

// clickTwice clicks an element twice, 100 ms apart: the second time whatever is there then.
func (p *tab) clickTwice(selector string) {
	p.Helper()
	p.still(selector)
	at := value[[2]float64](p, `(({ x, y, width, height }) => [x + width / 2, y + height / 2])(`+query(selector)+`.getBoundingClientRect())`)
	now := time.Now() // the browser goes by what is said here, however slow the machine is
	click := func(when time.Time) chromedp.Action[chromedp.Void] {
		return chromedp.MouseClickXY(at[0], at[1], func(e *input.DispatchMouseEventParams) {
			e.Timestamp = input.TimeSinceEpoch(float64(when.UnixMicro()) / 1e6)
		})
	}
	p.do(click(now), click(now.Add(100*time.Millisecond)))
}
