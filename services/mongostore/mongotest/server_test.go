package mongotest

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// A test process that dies, of whatever, closes its end of the server's stdin.
func TestServer_ends_with_the_process_that_started_it(t *testing.T) {
	s := Start(t)
	if err := s.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1) // one value is sent
	go func() { ended <- s.cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("it still runs")
	}
}

// Without MONGODB_URI, all tests of a process share one server, which lives on.
func TestURI_is_the_same_for_all(t *testing.T) {
	if os.Getenv("MONGODB_URI") != "" {
		t.Skip("MONGODB_URI is set")
	}
	first := URI(t)
	if second := URI(t); second != first {
		t.Errorf("%s, then %s", first, second)
	}
	c, err := net.Dial("tcp", strings.Trim(strings.TrimPrefix(first, "mongodb://"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}
