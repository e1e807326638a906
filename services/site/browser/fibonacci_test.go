package browser

import (
	"math/big"
	"strings"
	"testing"
)

// fib is F(n), computed in another way than the server does.
func fib(n int) string {
	a, b := big.NewInt(0), big.NewInt(1)
	for range n {
		a.Add(a, b)
		a, b = b, a
	}
	return a.String()
}

// online opens the page and connects a user.
func online(t *testing.T, s *server, user string) *tab {
	t.Helper()
	p := visit(t, s.page())
	p.fill("#user", user)
	p.press("\r")
	p.says("#state", "Online")
	return p
}

func TestFibonacci(t *testing.T) {
	p := online(t, start(t), "ana")
	compute := func(n string) {
		p.fill("#fib-n", n)
		p.press("\r")
	}
	digits := `document.querySelector("#fib-value").textContent`

	compute("90")
	p.says("#fib-title", "F(90)")
	if got := value[string](p, digits); got != fib(90) {
		t.Errorf("F(90) is shown as %s", got)
	}
	p.says("#fib-digits", "19")
	p.until("both times are there", `[...document.querySelectorAll("#fib-micros, #fib-roundtrip")].every(e => /µs|ms|s$/.test(e.innerText))`)
	p.hidden("#fib-toggle")
	p.says("#announcer", "F(90) is "+fib(90))

	compute("1000")
	p.says("#fib-title", "F(1,000)")
	want := fib(1000)
	p.says("#fib-value", "119 more digits")
	if got := value[string](p, digits); !strings.HasPrefix(got, want[:45]+" …") || !strings.HasSuffix(got, "… "+want[len(want)-45:]) {
		t.Errorf("folded, F(1000) is shown as %s", got)
	}
	p.says("#fib-toggle", "Show all 209 digits")
	p.shoot("fibonacci-folded")
	p.click("#fib-toggle")
	p.until("the number is unfolded", digits+" === "+quote(want))
	p.says("#fib-toggle", "Show less")
	p.until("it is said to be", `document.querySelector("#fib-toggle").ariaExpanded === "true"`)
	p.click("#fib-toggle")
	p.says("#fib-value", "119 more digits")

	p.clipboard()
	p.click("#fib-copy")
	p.says("#fib-copy", "Copied")
	if got := value[string](p, `navigator.clipboard.readText()`); got != want {
		t.Errorf("copied was %s", got)
	}

	value[bool](p, `(document.querySelector("#fib-algorithm").value = "matrix") === "matrix"`)
	compute("100000")
	p.says("#fib-digits", "20,899")
	p.says("#fib-how", "matrix")
	p.click("#fib-toggle")
	p.until("all of F(100000) is there", digits+".length === 20899")
	p.shoot("fibonacci-long")
}

func TestFibonacci_errors(t *testing.T) {
	p := online(t, start(t, "--command-rate", "4"), "ana")
	for _, n := range []string{"", "-1", "1e3", "ninety", "4 2"} {
		p.fill("#fib-n", n)
		p.press("\r")
		p.says("#fib-error", "n is a whole number")
		p.until("the field is said to be wrong", `document.querySelector("#fib-n").getAttribute("aria-invalid") === "true"`)
	}
	value[bool](p, `(() => { for (let i = 0; i < 9; i++) document.querySelector("#seq").requestSubmit(); return true })()`)
	p.says("#seq-error", "You have asked too much in a short time. Wait a moment, then ask again.")
	p.shoot("rate-limited")
}

func TestFibonacci_out_of_range(t *testing.T) {
	p := online(t, start(t), "ana")
	for _, n := range []string{"99999999999999999999999", "100001"} {
		p.fill("#fib-n", n)
		p.press("\r")
		p.says("#fib-error", "N must be between 0 and 100000.")
	}
	p.says("#fib-error", "N must be between 0 and 100000.")
	p.says("#announcer", "N must be between 0 and 100000.")
	p.shoot("fibonacci-out-of-range")
	p.fill("#fib-n", "10")
	p.press("\r")
	p.says("#fib-title", "F(10)")
	p.hidden("#fib-error")
	p.fill("#seq-n", "1001")
	p.press("\r")
	p.says("#seq-error", "must be between 0 and 1000")
}

func TestFibonacci_not_connected(t *testing.T) {
	p := visit(t, start(t).page())
	p.click("#fib button")
	p.says("#fib-error", "You are not connected; connect first")
}

// A server that has too much to do says so, and what is asked afterwards is answered.
func TestFibonacci_busy(t *testing.T) {
	p := online(t, start(t, "--command-rate", "0", "--fib-workers", "1", "--fib-max", "1000000"), "ana")
	value[bool](p, `(document.querySelector("#fib-algorithm").value = "iterative") === "iterative"`)
	p.fill("#fib-n", "200000")
	value[bool](p, `(() => { for (let i = 0; i < 12; i++) document.querySelector("#fib").requestSubmit(); return true })()`)
	p.says("#fib-error", "The server is still busy with what you asked before")
	p.says("#fib-title", "F(200,000)")
}

func TestSequence(t *testing.T) {
	p := online(t, start(t), "ana")
	p.fill("#seq-n", "20")
	p.press("\r")
	p.until("there are 20 rows", `document.querySelectorAll("#seq-rows tr").length === 20`)
	got := value[[]string](p, `[...document.querySelectorAll("#seq-rows td:nth-child(2)")].map(e => e.textContent)`)
	for n, text := range got {
		if text != fib(n) {
			t.Errorf("F(%d) is shown as %s", n, text)
		}
	}
	picture := value[map[string]any](p, `(() => {
		const svg = document.querySelector("#seq-picture svg");
		return { role: svg.getAttribute("role"), title: svg.querySelector("title").textContent, tiles: svg.querySelectorAll("rect").length };
	})()`)
	if picture["role"] != "img" || picture["title"] != "Squares with the sides F(1) to F(12)" || picture["tiles"] != 12.0 {
		t.Errorf("the picture is %v", picture)
	}
	p.shoot("sequence")

	p.fill("#seq-n", "1000")
	p.press("\r")
	p.until("there are 1000 rows", `document.querySelectorAll("#seq-rows tr").length === 1000`)
	last := fib(999)
	p.until("the last is folded", `document.querySelector("#seq-rows tr:last-child td").textContent === `+quote(last[:10]+"…"+last[len(last)-10:]))
	p.clipboard()
	p.click("#seq-copy")
	p.says("#seq-copy", "Copied")
	copied := strings.Split(value[string](p, `navigator.clipboard.readText()`), "\n")
	if len(copied) != 1000 || copied[999] != "999\t"+last {
		t.Errorf("copied were %d lines, the last %q", len(copied), copied[len(copied)-1])
	}

	for n, tiles := range map[string]int{"0": 0, "1": 0, "2": 1, "8": 7} {
		p.fill("#seq-n", n)
		p.press("\r")
		p.until(n+" rows", `document.querySelectorAll("#seq-rows tr").length === `+n)
		if got := value[int](p, `[...document.querySelectorAll("#seq-picture rect")].filter(e => e.checkVisibility()).length`); got != tiles {
			t.Errorf("with %s numbers the picture has %d squares, want %d", n, got, tiles)
		}
	}
}
