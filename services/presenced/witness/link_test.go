package witness

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// What is sent through a link that is cut arrives when it is mended, and not before.
func TestLink(t *testing.T) {
	defer goleak.VerifyNone(t)
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	l, err := NewLink(server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	lines := bufio.NewReader(far)
	say := func(text string) {
		t.Helper()
		if _, err := io.WriteString(near, text+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(want string) {
		t.Helper()
		if got, err := lines.ReadString('\n'); err != nil || got != want+"\n" {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	say("before")
	hear("before")
	l.Cut()
	say("late")
	_ = far.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if got, err := lines.ReadString('\n'); err == nil {
		t.Errorf("%q came through a link that is cut", got)
	}
	_ = far.SetReadDeadline(time.Time{})
	l.Mend()
	hear("late")
	_ = near.Close()
	if _, err := lines.ReadString('\n'); err != io.EOF {
		t.Errorf("the end of one side is not that of the other: %v", err)
	}
}
