package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Everything can be done with keys, and it is always seen where the focus is.
func TestKeyboard(t *testing.T) {
	p := visit(t, start(t).page())
	tab := func(to string) {
		t.Helper()
		p.press("\t")
		p.until("the focus is on "+to+", and seen", `document.activeElement.matches(`+quote(to+":focus-visible")+`) && getComputedStyle(document.activeElement).outlineStyle === "solid"`)
	}
	tab(".skip")
	p.until("the link is in sight", `(r => r.top >= 0 && r.left >= 0)(document.activeElement.getBoundingClientRect())`)
	p.press("\r")
	p.until("it leads to the content", `document.activeElement.id === "main"`)
	tab("#user")
	p.press("ana\r")
	p.says("#state", "Online")
	p.until("the focus is on what came in the place of the form", `document.activeElement.id === "session-title"`)
	p.shown("#fib-result")
	p.shown("#seq-result")
	p.shown("#people-scroll")
	tab("#disconnect")
	tab("#people-search")
	tab("#people-scroll")
	tab("#fib-n")
	p.press("1000\r") // replaces what was there: a field that is entered by Tab is selected
	p.says("#fib-title", "F(1,000)")
	tab("#fib-algorithm")
	tab("#fib button")
	p.press(" ")
	p.until("it is answered", `document.querySelector("#fib-doing").textContent === ""`)
	tab("#fib-toggle")
	p.press("\r")
	p.says("#fib-toggle", "Show less")
	tab("#fib-copy")
	tab("#seq-n")
	p.press("5\r")
	p.until("there are five rows", `document.querySelectorAll("#seq-rows tr").length === 5`)
	tab("#seq button")
	tab("#seq-result .scroll")
	tab("#seq-copy")
}

// named is what the accessibility tree has of a kind of nodes.
type named struct{ role, name string }

// accessible is the accessibility tree, but for what is only text.
func (p *tab) accessible() []named {
	p.Helper()
	var all []named
	p.call(func(ctx context.Context, t *chromedp.Target) error {
		tree, err := cdp.Call(ctx, t, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		for _, n := range tree.Nodes {
			if !n.Ignored {
				all = append(all, named{text(n.Role), text(n.Name)})
			}
		}
		return err
	})
	return all
}

func text(v *accessibility.Value) string {
	var s string
	if v == nil || json.Unmarshal(v.Value, &s) != nil {
		return ""
	}
	return s
}

// What can be operated has a name, and the parts of the page are found by theirs.
func TestAccessibleNames(t *testing.T) {
	p := visit(t, start(t).page())
	p.click("#token-details summary")
	before := p.accessible()
	p.fill("#user", "ana")
	p.press("\r")
	p.says("#fib-title", "F(90)")
	p.shown("#people-scroll")
	p.shown("#seq-figure")
	after := p.accessible()
	operable := []string{"button", "textbox", "searchbox", "combobox", "link", "img", "image", "table", "region", "DisclosureTriangle", "columnheader", "rowheader"}
	for _, n := range append(before, after...) {
		if slices.Contains(operable, n.role) && strings.TrimSpace(n.name) == "" {
			t.Errorf("a %s has no name", n.role)
		}
	}
	for _, want := range []named{{"textbox", "Name"}, {"textbox", "Token"}, {"button", "Connect"}} {
		if !slices.Contains(before, want) {
			t.Errorf("before, there is no %s %q", want.role, want.name)
		}
	}
	for _, want := range []named{
		{"banner", ""}, {"main", ""}, {"contentinfo", ""}, {"heading", "Presence"},
		{"region", "You"}, {"region", "The server’s time"}, {"region", "Who is online"}, {"region", "Fibonacci number"}, {"region", "Fibonacci sequence"}, {"region", "From a terminal"},
		{"searchbox", "Find a name"}, {"textbox", "n"}, {"combobox", "Algorithm"}, {"textbox", "How many numbers"},
		{"button", "Compute F(n)"}, {"button", "Disconnect"}, {"image", "Squares with the sides F(1) to F(12)"},
		{"table", "The first 20 Fibonacci numbers"}, {"columnheader", "F(n)"}, {"rowheader", "7"}, {"status", ""},
	} {
		if !slices.Contains(after, want) {
			t.Errorf("there is no %s %q", want.role, want.name)
		}
	}
	if t.Failed() {
		t.Log(after)
	}
	p.until("only one part speaks", `document.querySelectorAll("[aria-live],[role=status],[role=alert],[role=log],[role=timer],output").length === 1`)
	p.wellFormed()
}

// wellFormed holds what those who do not see a page find their way by.
func (p *tab) wellFormed() {
	p.Helper()
	p.until("headings do not leave a level out", `[...document.querySelectorAll("h1,h2,h3,h4")].every((h, i, all) => i === 0 ? h.tagName === "H1" : h.tagName[1] - all[i-1].tagName[1] <= 1)`)
	p.until("ids are unique", `(all => new Set(all).size === all.length)([...document.querySelectorAll("[id]")].map(e => e.id))`)
	p.until("ids that are referred to are there", `[...document.querySelectorAll("[aria-describedby],[aria-labelledby],[aria-controls],label[for]")].every(e =>
		["aria-describedby","aria-labelledby","aria-controls","for"].flatMap(a => (e.getAttribute(a) ?? "").split(" ")).filter(Boolean).every(id => document.getElementById(id)))`)
}

// faint lists texts whose contrast to what is behind them is less than WCAG's AA.
const faint = `(() => {
	const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
	const rgba = (colour) => {
		context.clearRect(0, 0, 1, 1);
		context.fillStyle = colour;
		context.fillRect(0, 0, 1, 1);
		const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
		return [r, g, b, a / 255];
	};
	const over = ([r, g, b, a], below) => [r, g, b].map((c, i) => c * a + below[i] * (1 - a)).concat(1);
	const ground = (e) => {
		if (!e) return [255, 255, 255, 1];
		const own = rgba(getComputedStyle(e).backgroundColor);
		return own[3] === 1 ? own : over(own, ground(e.parentElement));
	};
	const light = (colour) => {
		const [r, g, b] = colour.map((c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const found = [];
	for (const e of document.querySelectorAll("body *")) {
		if (!e.checkVisibility() || e.closest(".visually-hidden, svg, :disabled")) continue;
		if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && !e.matches("input, select, textarea")) continue;
		const below = ground(e), text = over(rgba(getComputedStyle(e).color), below);
		const [high, low] = [light(text), light(below)].sort((a, b) => b - a);
		const ratio = (high + 0.05) / (low + 0.05);
		if (ratio < 4.5) found.push(ratio.toFixed(2) + " " + e.tagName + "#" + e.id + "." + e.className + " " + e.innerText.slice(0, 30));
	}
	return found;
})()`

func TestContrast(t *testing.T) {
	s := start(t, "--max-conns-per-user", "1")
	p := visit(t, s.page())
	p.conduct.excuse("WebSocket connection to")
	both := func(state string) {
		t.Helper()
		for _, dark := range []bool{false, true} {
			p.dark(dark)
			p.until("the colours are those", fmt.Sprintf(`matchMedia("(prefers-color-scheme: dark)").matches === %t`, dark))
			ground := value[string](p, `getComputedStyle(document.body).backgroundColor`)
			if isDark := ground == "rgb(14, 20, 23)"; isDark != dark {
				t.Errorf("%s: the ground is %s, dark: %t", state, ground, dark)
			}
			if found := value[[]string](p, faint); len(found) > 0 {
				t.Errorf("%s, dark: %t: too faint: %q", state, dark, found)
			}
		}
	}
	p.click("#connect-button")
	p.says("#user-error", "Enter a name")
	both("with an error")
	p.fill("#user", "ana")
	p.press("\r")
	p.says("#fib-title", "F(90)")
	p.shown("#people-scroll")
	s.connect(t, "bob")
	p.shown(`.person[data-mark="joined"]`)
	both("online")
	p.fill("#fib-n", "100001")
	p.press("\r")
	p.shown("#fib-error")
	s.Close()
	p.shown(`.person[data-mark="left"]`)
	both("who left")
	s.Kill()
	p.shown("#why")
	both("lost")
}

// On a telephone nothing sticks out.
func TestPhone(t *testing.T) {
	s := start(t)
	p := visit(t, s.page())
	p.conduct.excuse("WebSocket connection to")
	p.size(360, 740)
	p.noSideways()
	p.shoot("phone-start")
	p.click("#token-details summary")
	p.fill("#token", "x")
	p.press("\r")
	p.shown("#token-error")
	p.noSideways()
	p.fill("#token", "")
	p.fill("#user", strings.Repeat("w", 128))
	p.press("\r")
	p.says("#state", "Online")
	p.shown("#seq-figure")
	p.shown("#people-scroll")
	p.noSideways()
	p.fill("#fib-n", "100000")
	p.press("\r")
	p.says("#fib-digits", "20,899")
	p.click("#fib-toggle")
	p.fill("#seq-n", "1000")
	p.press("\r")
	p.until("there are 1000 rows", `document.querySelectorAll("#seq-rows tr").length === 1000`)
	p.noSideways()
	p.shoot("phone")
	p.dark(true)
	p.shoot("phone-dark")
	for _, width := range []int64{320, 360, 930, 1280} {
		p.size(width, 640)
		p.until("the time is in one line", `(e => e.getBoundingClientRect().height < 1.5 * parseFloat(getComputedStyle(e).lineHeight))(document.querySelector(".clock"))`)
	}
	p.size(320, 640)
	p.noSideways()
	s.Kill()
	p.shown("#why")
	p.noSideways()
	small := value[[]string](p, `[...document.querySelectorAll("button, input, select, summary")].filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 24).map(e => e.id)`)
	if len(small) > 0 {
		t.Errorf("too small to be touched: %q", small)
	}
}

func TestReducedMotion(t *testing.T) {
	p := online(t, start(t), "ana")
	p.prefers("prefers-reduced-motion", "reduce")
	p.shown("#seq-figure")
	p.until("nothing moves", `document.getAnimations().length === 0`)
}

// Without JavaScript the page says what this address is.
func TestWithoutJavaScript(t *testing.T) {
	s := start(t)
	p := blank(t, s.page())
	p.call(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
	p.open(s.page())
	p.says("body", "This page needs JavaScript")
	p.says("body", "clientctl connect --user ana")
	p.hidden("#app")
	p.hidden("#state")
	p.shoot("without-javascript")
}

// What would make HTML or code of a text is forbidden by the policy, not only avoided.
func TestPolicy(t *testing.T) {
	p := visit(t, start(t).page())
	p.conduct.excuse("Content Security Policy")
	p.conduct.excuse("This document requires 'Trusted")
	for what, code := range map[string]string{
		"HTML of a text":          `document.body.innerHTML = "<b>x</b>"`,
		"code of a text":          `document.createElement("script").text = "1"`,
		"a script from elsewhere": `document.createElement("script").src = "https://presence.invalid/x.js"`,
		"a request to elsewhere":  `fetch("https://presence.invalid/")`,
		"a socket to elsewhere": `new Promise((yes, no) => {
			const socket = new WebSocket("ws://presence.invalid/");
			document.addEventListener("securitypolicyviolation", () => no(new Error("refused")));
		})`,
	} {
		if _, err := tryValue[any](p, code); err == nil {
			t.Errorf("the page can make %s", what)
		}
	}
}
