package talk_test

import (
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/talk"
)

func onRecord(lines string) func(*talk.Config) {
	return func(c *talk.Config) { c.Input, c.Record = strings.NewReader(lines), 5*time.Second }
}

// What is shown comes in the same order each time if all waits for the welcome. The pong is
// the first that a server hears.
func TestTalk_Run_waits_until_it_is_on_record(t *testing.T) {
	const welcomed = "welcome 42: connection n1/00000001/0000000000000001 on node n1\n"
	t.Run("a command", func(t *testing.T) {
		r := converse(t, "ping a\n"+welcome+`
			expect {"type":"fibonacci","id":"1","n":7}
			send {"type":"fibonacci","id":"1","n":7,"value":"13"}
			closed 1000`, onRecord("7\n"))
		r.want(t, nil, welcomed+"F(7) = 13\n", "")
	})
	t.Run("nothing to ask", func(t *testing.T) {
		r := converse(t, "ping a\n"+welcome+"\nclosed 1000", onRecord(""))
		r.want(t, nil, welcomed, "")
	})
	t.Run("nothing to ask, and lost before it", func(t *testing.T) {
		r := converse(t, "close 1012 restart\nnext\n"+welcome+"\nclosed 1000", onRecord(""))
		r.want(t, nil, welcomed, r.err)
	})
	t.Run("on each connection", func(t *testing.T) {
		r := converse(t, welcome+`
			expect {"type":"fibonacci","id":"1","n":7}
			close 1012 restart
			next
			ping a
			`+welcome+`
			expect {"type":"fibonacci","id":"1","n":7}
			send {"type":"fibonacci","id":"1","n":7,"value":"13"}
			closed 1000`, onRecord("7\n"))
		r.want(t, nil, welcomed+welcomed+"F(7) = 13\n", r.err)
	})
}

// A server whose database is away answers, but has nobody on record.
func TestTalk_Run_does_not_wait_for_a_record_for_ever(t *testing.T) {
	script := `
		expect {"type":"fibonacci","id":"1","n":7}
		send {"type":"fibonacci","id":"1","n":7,"value":"13"}
		closed 1000`
	r := converse(t, script, onRecord("7\n"))
	r.want(t, nil, "F(7) = 13\n", "clientctl: the server has not put the connection on record yet; going on without\n")
	if r.took != 5*time.Second {
		t.Errorf("it waited for %s", r.took)
	}
	r = converse(t, "closed 1000", func(c *talk.Config) {
		onRecord("")(c)
		c.Patience = time.Second
	})
	if fault.KindOf(r.end) != fault.Failed || r.end == nil || !strings.Contains(r.end.Error(), "not put the connection on record within 1s") {
		t.Errorf("ended with %v", r.end)
	}
}
