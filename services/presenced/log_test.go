package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// A storm of connections, of messages and of those that are refused leaves no line in the
// log: a line is a change of state of the server.
func TestServe_LogsNothingPerConnection(t *testing.T) {
	tg := start(t, embeddedBackend(t), "--log-level", "debug")
	dial(t, tg, "first")
	before := tg.log.String()
	for i := range 50 {
		c := dial(t, tg, fmt.Sprint("u", i))
		c.ask(t, "42")
		c.ask(t, "nonsense")
		c.ask(t, `{"type":"fibonacci","n":500}`)
		if i%2 == 0 {
			_ = ws.WriteFrame(c.conn, ws.MaskFrame(ws.NewBinaryFrame([]byte("x"))))
			receive(t, c.closed, "the close")
		}
		_ = c.conn.Close()
		if _, _, _, err := ws.Dial(t.Context(), tg.ws+"/ws?user=%00"); err == nil {
			t.Error("nobody was let in")
		}
	}
	eventually(t, "all have left", func() bool { return len(tg.online(t)) == 1 })
	if added := strings.TrimPrefix(tg.log.String(), before); added != "" {
		t.Errorf("the log says:\n%s", added)
	}
}
