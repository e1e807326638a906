package browser

import (
	"fmt"
	"testing"
)

// holdBack keeps answers of a type from the page, and notes what it asks for. Its result
// gives the page the answer to the question with an n, made from the question's id.
func (p *tab) holdBack(ask, answer string) (give func(n int, format string)) {
	p.Helper()
	p.overhear(`message.given || message.type !== ` + quote(answer))
	value[any](p, `(() => {
		const send = WebSocket.prototype.send;
		window.asked = [];
		WebSocket.prototype.send = function (text) {
			const message = JSON.parse(text);
			if (message.type === `+quote(ask)+`) window.asked.push(message);
			send.call(this, text);
		};
	})()`)
	return func(n int, format string) {
		p.Helper()
		asked := fmt.Sprintf("window.asked.find(({ n }) => n === %d)", n)
		p.until(fmt.Sprintf("%d is asked for", n), asked)
		p.heard(fmt.Sprintf(format, value[string](p, asked+".id")))
	}
}

// Workers may finish in another order than the visitor asked: none takes the place of the answer to a later question.
func TestFibonacci_answers_out_of_order(t *testing.T) {
	p := visit(t, start(t).page())
	give := p.holdBack("fibonacci", "fibonacci")
	p.fill("#user", "ana")
	p.press("\r")
	p.says("#state", "Online")
	for _, n := range []string{"20", "21", "30"} {
		p.fill("#fib-n", n)
		p.press("\r")
	}
	give(20, `{"given":true,"type":"fibonacci","id":%q,"n":20,"value":"6765","algorithm":"matrix","micros":1}`)
	p.says("#fib-title", "F(20)")
	p.says("#fib-doing", "Computing F(30)…")
	give(30, `{"given":true,"type":"fibonacci","id":%q,"n":30,"value":"832040","algorithm":"matrix","micros":1}`)
	p.says("#fib-title", "F(30)")
	p.until("nothing is being computed", `document.querySelector("#fib-doing").textContent === ""`)
	give(90, `{"given":true,"type":"fibonacci","id":%q,"n":90,"value":"1","algorithm":"matrix","micros":1}`)
	give(21, `{"given":true,"type":"error","id":%q,"code":"busy","message":"too much","retryable":true}`)
	p.settled()
	p.says("#fib-title", "F(30)")
	p.hidden("#fib-error")
}

func TestSequence_answers_out_of_order(t *testing.T) {
	p := visit(t, start(t).page())
	give := p.holdBack("sequence", "sequence")
	p.fill("#user", "ana")
	p.press("\r")
	p.says("#state", "Online")
	for _, n := range []string{"4", "2", "3"} {
		p.fill("#seq-n", n)
		p.press("\r")
	}
	give(3, `{"given":true,"type":"sequence","id":%q,"n":3,"values":["0","1","1"]}`)
	p.says("#seq-rows tr:last-child", "2")
	give(4, `{"given":true,"type":"sequence","id":%q,"n":4,"values":["0","1","1","2"]}`)
	give(2, `{"given":true,"type":"error","id":%q,"code":"busy","message":"too much","retryable":true}`)
	p.settled()
	p.until("what was asked last is shown", `document.querySelectorAll("#seq-rows tr").length === 3`)
	p.hidden("#seq-error")
}

// settled waits until the page has done what follows from what it has heard.
func (p *tab) settled() {
	p.Helper()
	value[any](p, `new Promise((done) => setTimeout(() => requestAnimationFrame(() => done(true))))`)
}
