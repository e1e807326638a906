package asyncapi

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"github.com/presenced/presence/services/presenced/witness"
)

// patience is how long a test waits for something that must happen. It is long, since
// the machine may be busy; nothing is measured by it.
const patience = 90 * time.Second

// program is presenced, built once.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "presence-asyncapi-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "presenced")
		if out, err := exec.Command("go", "-C", "../../..", "build", "-o", program, "./services/presenced").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build presenced: %v\n%s", err, out)
			return 1
		}
		code := m.Run()
		if err := goleak.Find(); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	}())
}

// server is a running presenced with the embedded store. What its clients hear is seen.
type server struct {
	*witness.Process
	seen *seen
}

func start(t *testing.T, seen *seen, flags ...string) *server {
	t.Helper()
	cmd := exec.Command(program, append([]string{
		"--ws-host", "127.0.0.1", "--ws-port", "0", "--admin-addr", "127.0.0.1:0", "--node-id", "n1",
		"--store", "embedded", "--data-dir", t.TempDir(),
	}, flags...)...)
	var log strings.Builder
	cmd.Stderr = &log
	p, err := witness.Start(cmd)
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	t.Cleanup(func() {
		p.Kill()
		http.DefaultClient.CloseIdleConnections()
		if t.Failed() {
			t.Logf("the server's log:\n%s", log.String())
		}
	})
	return &server{p, seen}
}

// frame is one message from the server, and of which it is.
type frame struct {
	name string
	text string
}

// client is one connection.
type client struct {
	conn   io.WriteCloser
	frames chan frame // all but the time; it is closed at the end of the connection
	closed chan int   // the code of the close; 0: none came
}

// dial connects, as user if that is not empty.
func (s *server) dial(t *testing.T, user string, d ws.Dialer) *client {
	t.Helper()
	target := s.Clients + "/ws"
	if user != "" {
		target += "?user=" + url.QueryEscape(user)
	}
	conn, buffered, _, err := d.Dial(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	const room = 4096 // frames, more than a test asks for before it reads
	c := &client{conn: conn, frames: make(chan frame, room), closed: make(chan int, 1)}
	in := bufio.NewReader(conn)
	if buffered != nil {
		in = buffered
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.read(in, s.seen)
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return c
}

// read reads until the end. It answers a close, for which the server waits.
func (c *client) read(in io.Reader, seen *seen) {
	defer close(c.frames)
	defer c.conn.Close()
	for {
		h, err := ws.ReadHeader(in)
		if err != nil {
			c.closed <- 0
			return
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(in, payload); err != nil {
			c.closed <- 0
			return
		}
		switch h.OpCode {
		case ws.OpText:
			if name := seen.hear(payload); name != "time" {
				c.frames <- frame{name, string(payload)}
			}
		case ws.OpClose:
			code, _ := ws.ParseCloseFrameData(payload)
			_ = ws.WriteFrame(c.conn, ws.MaskFrame(ws.NewCloseFrame(payload)))
			seen.close(int(code))
			c.closed <- int(code)
			return
		case ws.OpPing:
			_ = ws.WriteFrame(c.conn, ws.MaskFrame(ws.NewPongFrame(payload)))
		}
	}
}

// say sends a command.
func (c *client) say(t *testing.T, command string) {
	t.Helper()
	if err := wsutil.WriteClientText(c.conn, []byte(command)); err != nil {
		t.Fatal(err)
	}
}

// await is the next frame of one of the messages; others are passed over.
func (c *client) await(t *testing.T, names ...string) frame {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case f, more := <-c.frames:
			if !more {
				t.Fatalf("the connection ended before %v", names)
			}
			if f.name == "" {
				t.Fatalf("not described, or not exactly once: %.300s", f.text)
			}
			if slices.Contains(names, f.name) {
				return f
			}
		case <-timeout:
			t.Fatalf("waited in vain for %v", names)
		}
	}
}

// ask sends a command and returns the next answer that is of the message, or an error.
func (c *client) ask(t *testing.T, command, message string) frame {
	t.Helper()
	c.say(t, command)
	f := c.await(t, message, "error")
	if f.name != message {
		t.Errorf("%s is answered with %s", command, f.text)
	}
	return f
}

// refused sends a command that is answered with an error of a code.
func (c *client) refused(t *testing.T, command, code string) {
	t.Helper()
	c.say(t, command)
	if f := c.await(t, "error"); !strings.Contains(f.text, `"code":"`+code+`"`) {
		t.Errorf("%s is answered with %s, want the code %s", command, f.text, code)
	}
}

// end is the code of the close.
func (c *client) end(t *testing.T) int {
	t.Helper()
	select {
	case code := <-c.closed:
		return code
	case <-time.After(patience):
		t.Fatal("waited in vain for the close")
		return 0
	}
}

// leave closes the socket.
func (c *client) leave() { _ = c.conn.Close() }

// kick has the operator's API close the connections of a user.
func (s *server) kick(t *testing.T, user string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"user": user})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Admin+"/kick", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("kick: %s", resp.Status)
	}
}

// secret is what the tokens of these tests are signed with.
const secret = "correct-horse-battery-staple-0123456789"

// tokenOf is one of a user, with a right: "", or all.
func tokenOf(t *testing.T, user, who string) string {
	t.Helper()
	claims := jwt.MapClaims{"sub": user, "exp": time.Now().Add(time.Hour).Unix()}
	if who != "" {
		claims["presence"] = map[string]string{"who": who}
	}
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// showing connects with a token in Authorization.
func showing(token string) ws.Dialer {
	return ws.Dialer{Header: ws.HandshakeHeaderHTTP{"Authorization": {"Bearer " + token}}}
}

// offering connects with a token among the subprotocols, as web pages do.
func offering(token string) ws.Dialer {
	return ws.Dialer{Protocols: []string{"presence.v1", "bearer." + token}}
}
