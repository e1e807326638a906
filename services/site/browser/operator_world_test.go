package browser

import (
	"net/url"
	"strconv"
	"testing"

	"github.com/presenced/presence/services/presenced/witness"
)

// operators is a server whose operators' page is looked at.
type operators struct {
	*server
	witness.Book // of clients that are no browsers
}

func startOperators(t *testing.T, flags ...string) *operators {
	t.Helper()
	o := &operators{server: start(t, flags...)}
	t.Cleanup(o.Close)
	return o
}

// connect connects a user who is no browser.
func (o *operators) connect(t *testing.T, user string) *witness.Client {
	t.Helper()
	c, err := o.Dial(t.Context(), "n1", o.Clients, user)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// back starts a server that has ended once more, on the same ports.
func (o *operators) back(t *testing.T) {
	t.Helper()
	u, err := url.Parse(o.Admin)
	if err != nil {
		t.Fatal(err)
	}
	o.flags = append(o.flags, "--admin-addr", u.Host)
	o.again(t)
}

// look opens the operators' page, and waits until it shows what there is.
func (o *operators) look(t *testing.T) *tab {
	t.Helper()
	p := visit(t, o.Admin+"/")
	p.says("#state", "n1 is ready")
	p.until("a chart", query("#chart svg .line"))
	return p
}

// hide lets the page believe that nobody looks at it, or somebody does.
func (p *tab) hide(yes bool) {
	p.Helper()
	value[bool](p, `Object.defineProperty(document, "hidden", { configurable: true, get: () => `+strconv.FormatBool(yes)+` }) && document.dispatchEvent(new Event("visibilitychange"))`)
}

// choose clicks a radio button of a group by its words.
func (p *tab) choose(group, words string) {
	p.Helper()
	p.click(group + ` label:has(input[value="` + words + `"])`)
}

// rows is the text of a table, a line for each row.
func (p *tab) rows(table string) string {
	p.Helper()
	return value[string](p, `[...document.querySelectorAll(`+quote(table+" tbody tr")+`)].map((tr) => [...tr.cells].map((c) => c.innerText).join(" | ")).join("\n")`)
}

// fits holds that nothing is wider than the window.
func (p *tab) fits() {
	p.Helper()
	p.until("no horizontal scrolling", "document.documentElement.scrollWidth <= window.innerWidth")
	p.noSideways()
}

// legible holds that all texts stand out from what is behind them, in light colours and in
// dark ones, which it leaves.
func (p *tab) legible() {
	p.Helper()
	for _, dark := range []bool{false, true} {
		p.dark(dark)
		if found := value[[]string](p, faint); len(found) > 0 {
			p.Errorf("dark %t: hard to read: %q", dark, found)
		}
	}
}
