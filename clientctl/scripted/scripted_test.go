package scripted_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/presenced/presence/clientctl/scripted"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A test that leans on a script must fail when the client does something else.
func TestServer_Stop_tells_what_went_otherwise(t *testing.T) {
	tests := []struct{ name, script, want string }{
		{"as written", "query user=1\nexpect hello\nclosed 1000", ""},
		{"another message", "expect bye", `line 1: expect bye: got "hello"`},
		{"a message instead of a close", "closed 1000", `got "hello"`},
		{"more than the script knows", "", "the client sent hello"},
		{"another query", "query user=2", `the query is "user=1"`},
		{"a connection that does not come", "expect hello\nclosed 1000\nnext\nsend x", "1 more connections"},
		{"a close too early", "expect hello\nexpect more", `line 2: expect more: got "\x03\xe8"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pipe := scripted.NewPipe()
				server, err := scripted.Start(pipe, tt.script)
				if err != nil {
					t.Fatal(err)
				}
				d := ws.Dialer{NetDial: pipe.Dial}
				if c, _, _, err := d.Dial(t.Context(), "ws://h/?user=1"); err == nil {
					say(c)
				}
				switch err := server.Stop(); {
				case tt.want == "" && err != nil:
					t.Error(err)
				case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
					t.Errorf("got %v, want %q in it", err, tt.want)
				}
			})
		})
	}
}

// say says hello, and goodbye. What fails is the server's to tell.
func say(c net.Conn) {
	defer c.Close()
	wsutil.WriteClientText(c, []byte("hello"))
	ws.WriteFrame(c, ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, ""))))
	io.Copy(io.Discard, c)
}

func TestStart_refuses_a_script_it_does_not_understand(t *testing.T) {
	for script, want := range map[string]string{
		"send x\n\n# a comment\njump":      `line 4: no step is called "jump"`,
		"closed 1000\nexpect never played": "line 2: the connection has ended",
	} {
		if _, err := scripted.Start(scripted.NewPipe(), script); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
