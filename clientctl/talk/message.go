package talk

import (
	"errors"
	"time"

	"github.com/presenced/presence/clientctl/terminal"
	"github.com/presenced/presence/clientctl/wire"
	"github.com/presenced/presence/services/protocol"
)

func (t *Talk) frame(conn *wire.Conn, f frame) error {
	if f.err != nil {
		if broken, ok := errors.AsType[*wire.BrokenError](f.err); ok {
			_ = conn.WriteClose(broken.Code) // as well as can be; the connection ends anyway
		}
		return f.err
	}
	switch f.Op {
	case wire.Text:
		return t.message(f.Payload)
	case wire.Ping:
		_ = conn.WritePong(f.Payload) // a write that fails shows in the reads soon
	case wire.Close:
		_ = conn.WriteClose(f.Code) // the server may be gone already
		return &closedError{f.Code, string(f.Payload)}
	case wire.Pong:
	}
	return nil
}

// message shows a message from the server and notes what it means for the talk.
func (t *Talk) message(raw []byte) error {
	m, err := protocol.Decode(raw)
	if err != nil {
		return stop(t.c.Show.Notice("left out a message of the server: " + terminal.Escape(err.Error())))
	}
	switch m.Type {
	case protocol.TypeWelcome:
		t.vain, t.welcome = 0, nil
	case protocol.TypeDrain:
		t.hint = min(time.Duration(min(m.ReconnectAfterMs, maxHint.Milliseconds()))*time.Millisecond, maxHint)
	}
	a := Answer{Raw: raw, Message: m}
	if r := t.out.answer(m.ID, m.Type == protocol.TypeWatch && m.More); r != nil {
		a.Command, a.Took, a.Probe = &r.command, time.Since(r.sentAt), r.probe
		a.Again = !r.probe && m.Type == protocol.TypeError && t.again(r, m)
		if !a.Again {
			t.note(r.command, m)
		}
	}
	if a.EndsWatch() {
		t.standing = nil
	}
	return stop(t.c.Show.Message(a))
}

// note keeps of the answer to c what later commands and connections go on with.
func (t *Talk) note(c Command, m protocol.Message) {
	switch {
	case m.Type == protocol.TypeWho && c.Users == nil:
		t.page, t.next = c, m.Next
	case m.Type == protocol.TypeWatch && c.Type == protocol.Watch:
		t.standing = &c
	}
}

// again decides whether a command that was answered with an error is asked again, and
// counts it as failed if not.
func (t *Talk) again(r *request, m protocol.Message) bool {
	r.refused++
	if !m.Retryable || r.refused >= maxTries {
		t.failed++
		return false
	}
	t.out.again(r)
	t.resume = time.After(retryBackoff.Delay(r.refused, 0, t.c.Random()))
	return true
}
