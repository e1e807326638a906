package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// tab is one page in a browser context of its own: it shares no storage with the others,
// as if it were another person's browser.
type tab struct {
	*testing.T

	ctx     context.Context
	conduct *conduct
}

// visit opens an address in a tab of its own. At the end of the test it is held that the
// page wrote no error to the console, broke no policy, and asked no other origin.
func visit(t *testing.T, address string) *tab {
	t.Helper()
	p := blank(t, address)
	p.open(address)
	return p
}

// blank is a tab that has not opened anything yet; it may go to the origin of an address only.
func blank(t *testing.T, origin string) *tab {
	t.Helper()
	c := newConduct(t, origin)
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext(), chromedp.WithListener(c.hear))
	p := &tab{T: t, ctx: ctx, conduct: c}
	t.Cleanup(func() {
		if t.Failed() {
			p.shoot("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
			said, err := tryValue[string](p, "document.body.innerText")
			t.Logf("the page says (%v):\n%s", err, said)
		}
		cancel()
		c.holds(t)
	})
	if err := chromedp.Do(ctx); err != nil { // the tab lives as long as the context of this
		t.Fatal(err)
	}
	p.call(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{})
		return err
	})
	p.size(1280, 900)
	return p
}

// open goes to an address and waits until it is loaded.
func (p *tab) open(address string) {
	p.Helper()
	p.do(chromedp.Navigate(address))
}

// before has a program run in each document that is opened from now on, before its own.
func (p *tab) before(program string) {
	p.Helper()
	p.call(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: program})
		return err
	})
}

// do runs actions.
func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.Fatal(err)
	}
}

// call runs commands of the browser's protocol.
func (p *tab) call(f func(context.Context, *chromedp.Target) error) {
	p.Helper()
	p.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		return chromedp.Void{}, f(ctx, t)
	})
}

// value is what an expression of JavaScript comes to in the tab; of a promise, what that does.
func value[T any](p *tab, expression string) T {
	p.Helper()
	v, err := tryValue[T](p, expression)
	if err != nil {
		p.Fatalf("%s: %v", expression, err)
	}
	return v
}

func tryValue[T any](p *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// until waits until an expression is true.
func (p *tab) until(what, expression string) {
	p.Helper()
	p.wait(what, func() bool {
		holds, err := tryValue[bool](p, "Boolean("+expression+")")
		return err == nil && holds // an error: the page is just being loaded
	})
}

// wait waits until something holds.
func (p *tab) wait(what string, holds func() bool) {
	p.Helper()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			p.Fatalf("waited in vain: %s", what)
		}
	}
}

// says waits until the text of an element contains a text.
func (p *tab) says(selector, text string) {
	p.Helper()
	p.until(selector+" says "+strconv.Quote(text), query(selector)+"?.innerText.includes("+quote(text)+")")
}

// shown waits until an element is to be seen.
func (p *tab) shown(selector string) {
	p.Helper()
	p.until(selector+" is shown", query(selector)+"?.checkVisibility()")
}

// hidden waits until an element is not to be seen.
func (p *tab) hidden(selector string) {
	p.Helper()
	p.until(selector+" is hidden", "!"+query(selector)+"?.checkVisibility()")
}

// text is that of an element as it is seen.
func (p *tab) text(selector string) string {
	p.Helper()
	return value[string](p, query(selector)+"?.innerText ?? ''")
}

// click clicks an element, as a mouse does, once it holds still: it must be in the way of
// nothing.
func (p *tab) click(selector string) {
	p.Helper()
	p.still(selector)
	p.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// still waits until an element is to be seen, and stays where it is for two frames: what comes
// above it moves it.
func (p *tab) still(selector string) {
	p.Helper()
	p.until(selector+" is shown, and holds still", `new Promise((done) => {
		const place = () => {
			const e = `+query(selector)+`, r = e?.getBoundingClientRect();
			return e?.checkVisibility() ? [r.x + scrollX, r.y + scrollY, r.width, r.height].join() : "";
		};
		const first = place();
		requestAnimationFrame(() => requestAnimationFrame(() => done(first !== "" && first === place())));
	})`)
}

// fill replaces what stands in a field, by typing.
func (p *tab) fill(selector, text string) {
	p.Helper()
	p.shown(selector)
	p.do(chromedp.Focus(chromedp.CSS(selector)))
	value[bool](p, query(selector)+".select() ?? true")
	if text == "" {
		p.press("\b")
		return
	}
	p.press(text)
}

// press presses keys, one after the other, wherever the focus is.
func (p *tab) press(keys string) {
	p.Helper()
	p.do(chromedp.KeyEvent(keys))
}

// size sets the size of the window.
func (p *tab) size(width, height int64) {
	p.Helper()
	p.do(chromedp.EmulateViewport(width, height))
}

// noSideways holds that the page is not wider than the window, and that nothing sticks out.
func (p *tab) noSideways() {
	p.Helper()
	if wide := value[[]string](p, `(() => {
		const width = document.documentElement.clientWidth;
		const out = [...document.querySelectorAll("body *")].filter(e =>
			e.checkVisibility() && !e.closest(".visually-hidden, .scroll, .skip, pre") && e.getBoundingClientRect().right > width + 0.5);
		const all = out.map(e => e.tagName + "#" + e.id + "." + e.className);
		return document.documentElement.scrollWidth > width ? ["the page", ...all] : all;
	})()`); len(wide) > 0 {
		p.Errorf("wider than the window: %q", wide)
	}
}

// dark lets the page know that its visitor prefers dark colours, or light ones.
func (p *tab) dark(yes bool) {
	p.Helper()
	scheme := "light"
	if yes {
		scheme = "dark"
	}
	p.prefers("prefers-color-scheme", scheme)
}

// prefers sets a feature of media queries.
func (p *tab) prefers(feature, setting string) {
	p.Helper()
	p.call(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: feature, Value: setting}},
		})
		return err
	})
}

// shoot leaves a picture of the whole page in the directory that SHOTS names, if it does.
func (p *tab) shoot(name string) {
	p.Helper()
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
		beyond := true
		r, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond})
		return r.Data, err
	})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600)
	}
	if err != nil {
		p.Errorf("picture %s: %v", name, err)
	}
}

// query is the expression for the element that a selector of CSS finds first.
func query(selector string) string { return "document.querySelector(" + quote(selector) + ")" }

// quote is a text as JavaScript has it.
func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always can be
	}
	return string(b)
}

// overhear puts itself between the page's sockets and the page: only the messages for which an
// expression of message and socket is true go through, and a test may add others by heard.
func (p *tab) overhear(goesThrough string) {
	p.Helper()
	value[any](p, `(() => {
		const add = WebSocket.prototype.addEventListener;
		WebSocket.prototype.addEventListener = function (type, listener) {
			window.theSocket = this;
			add.call(this, type, type !== "message" ? listener : (event) => ((message, socket) => `+goesThrough+`)(JSON.parse(event.data), this) && listener(event));
		};
	})()`)
}

// heard makes the page hear a message, in JSON, as if the server had sent it.
func (p *tab) heard(message string) {
	p.Helper()
	value[bool](p, `window.theSocket.dispatchEvent(new MessageEvent("message", { data: `+quote(message)+` }))`)
}

// noTriesAfter lets the page try to connect again by itself only where the wait is shorter: a test
// that is about what is there meanwhile, or about a click, must not depend on being faster.
func (p *tab) noTriesAfter(wait time.Duration) {
	p.Helper()
	value[any](p, fmt.Sprintf(`(() => {
		const set = window.setTimeout.bind(window);
		window.setTimeout = (action, wait, ...more) => (wait >= %d ? 0 : set(action, wait, ...more));
	})()`, wait.Milliseconds()))
}

// listen notes all that an element says from now on, for what does not stay: see said.
func (p *tab) listen(selector string) {
	p.Helper()
	value[any](p, `(() => {
		const e = `+query(selector)+`, all = ((window.all ??= {})[`+quote(selector)+`] = []);
		new MutationObserver(() => all.push(e.textContent)).observe(e, { childList: true, characterData: true, subtree: true });
	})()`)
}

// said waits until an element has said something, whatever it says now.
func (p *tab) said(selector, text string) {
	p.Helper()
	p.until(selector+" has said "+quote(text), "window.all["+quote(selector)+"].some((said) => said.includes("+quote(text)+"))")
}

// clipboard lets the page write to the clipboard, and the test read what is there.
func (p *tab) clipboard() {
	p.Helper()
	p.call(func(ctx context.Context, t *chromedp.Target) error {
		c := chromedp.FromContext(ctx)
		for _, name := range []string{"clipboard-read", "clipboard-write"} {
			_, err := cdp.Call(ctx, c.Browser, browser.SetPermission, browser.SetPermissionParams{
				Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted, BrowserContextID: c.BrowserContextID,
			})
			if err != nil {
				return err
			}
		}
		_, err := cdp.Call(ctx, t, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return err
	})
}
