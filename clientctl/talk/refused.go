package talk

import (
	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/wire"
	"github.com/presenced/presence/services/protocol"
)

// refused is the error for an upgrade that was refused for good: what the server says, and
// what to do.
func (t *Talk) refused(r *wire.RefusedError) error {
	m, err := protocol.Decode([]byte(r.Text))
	answer := fault.Answer{
		Status: r.Status, Text: r.Text, RetryAfter: r.RetryAfter,
		Ours: err == nil && m.Type == protocol.TypeError, Token: t.c.Dial.Token != "",
	}
	if answer.Ours { // for programs: in its own words
		r = &wire.RefusedError{Status: r.Status, Text: m.Text}
	}
	advice := fault.Advice(fault.Clients, answer)
	if answer.Ours && advice != "" { // which says more
		r.Text = ""
	}
	if advice != "" {
		advice = ": " + advice
	}
	return fault.Errorf(fault.Refused, "%s refused the connection: %w%s", t.place(), r, advice)
}
