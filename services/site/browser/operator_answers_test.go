package browser

import "testing"

// Answers that a server gives seldom, and what the operators' page makes of them.

// answering is a program that lets a test answer what the page asks of a path: by an expression
// of n, how often it has been asked before, that comes to a response; or undefined: the server.
func answering(path, response string) string {
	return `(() => {
		const ask = window.fetch;
		const lines = (...all) => all.map((line) => JSON.stringify(line) + "\n").join("");
		let asked = 0;
		window.fetch = (where, how) => {
			if (where.pathname !== ` + quote(path) + `) return ask(where, how);
			const answer = ((n) => ` + response + `)(asked++);
			return answer === undefined ? ask(where, how) : Promise.resolve(answer);
		};
	})()`
}

// lookAfter opens the operators' page, in which a program has run before its own.
func (o *operators) lookAfter(t *testing.T, program string) *tab {
	t.Helper()
	p := blank(t, o.Admin+"/")
	p.before(program)
	p.open(o.Admin + "/")
	return p
}

// A stream that breaks between events and their cursor brings them once more.
func TestOperator_EventsOnce(t *testing.T) {
	const event = `((seq) => ({ _id: "n1/00000001/" + String(seq).padStart(16, "0"), type: "connected", at: "2026-11-23T10:00:00Z", user: "user " + seq }))`
	p := startOperators(t).lookAfter(t, answering("/events", `[
		new Response(lines({ cursor: "c0" }, `+event+`(1), `+event+`(2))),
		new Response(lines({ cursor: "c0" }, `+event+`(1), `+event+`(2), `+event+`(3), { cursor: "c1" }, `+event+`(4), { cursor: "c2" })),
	][n] ?? new Response(new ReadableStream())`))
	p.says("#events", "user 4")
	p.says("#events-words", "4 events since this page was opened.")
	p.until("each is there once", query("#events")+".children.length === 4")
}

// Who looks again after a while is not told that a node has just beaten that was last seen to
// beat before.
func TestOperator_NodesAfterRest(t *testing.T) {
	p := startOperators(t).lookAfter(t, answering("/nodes", `(() => {
		const beatAt = window.later ? Date.now() - 300_000 : Date.now();
		return new Response(JSON.stringify({ nodes: [{ node: "n9", epoch: 1, addr: "x", beat: window.later ? 7 : n, beatAt: new Date(beatAt), connections: 1, version: "v", startedAt: "2026-11-23T10:00:00Z" }] }),
			{ headers: { Date: new Date().toUTCString() } });
	})()`))
	p.says("#nodes", "Beats, ")
	p.hide(true)
	value[any](p, `(() => {
		const now = performance.now.bind(performance);
		performance.now = () => now() + 60_000;
		window.later = true;
	})()`)
	p.hide(false)
	p.says("#nodes", "Silent for 5 min")
}

// A log that is broken all over does not break the page.
func TestOperator_VerifyFindsVeryManyProblems(t *testing.T) {
	p := startOperators(t).lookAfter(t, answering("/verify", `new Response(
		lines(...Array.from({ length: 1500 }, (_, i) => ({ problem: { kind: "grammar", stream: "n1/00000001", detail: "problem " + i } })),
			{ report: { holds: false, streams: 1, events: 2000, open: 0, problems: 1500 } }))`))
	p.click("#verify-start")
	p.says("#verify-result", "1,500 problems in 1 stream, 2,000 events, 0 open connections, the first 1,000 listed below.")
	p.until("the first ones are listed", query("#problems tbody")+`.rows.length === 1000`)
}
