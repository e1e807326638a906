package wire_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presenced/presence/clientctl/scripted"
	"github.com/presenced/presence/clientctl/wire"
	"github.com/presenced/presence/services/protocol"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dialed runs f with a connection to a server that plays script, on a fake clock and
// in memory.
func dialed(t *testing.T, script string, f func(t *testing.T, c *wire.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pipe := scripted.NewPipe()
		server, err := scripted.Start(pipe, script)
		if err != nil {
			t.Fatal(err)
		}
		c, err := wire.Dial(t.Context(), "ws://localhost/", wire.Options{NetDial: pipe.Dial})
		if err != nil {
			t.Fatal(err)
		}
		f(t, c)
		c.Close()
		if err := server.Stop(); err != nil {
			t.Errorf("the script: %v", err)
		}
	})
}

func TestConn_Read_messages(t *testing.T) {
	big := strings.Repeat("x", 70_000)
	tests := []struct {
		name, script string
		want         []wire.Message
	}{
		{"text", "send hello\nsend " + big + "\ngone", []wire.Message{{Op: wire.Text, Payload: []byte("hello")}, {Op: wire.Text, Payload: []byte(big)}}},
		{"an empty text", "raw 81 00\ngone", []wire.Message{{Op: wire.Text}}},
		{"fragments with a ping between them", "raw 01 01 61 89 01 70 00 01 c3 80 01 a9\ngone",
			[]wire.Message{{Op: wire.Ping, Payload: []byte("p")}, {Op: wire.Text, Payload: []byte("aé")}}},
		{"a pong", "raw 8a 01 70\ngone", []wire.Message{{Op: wire.Pong, Payload: []byte("p")}}},
		{"a close", "raw 88 04 03f4 6f6b\ngone", []wire.Message{{Op: wire.Close, Code: protocol.CloseRestart, Payload: []byte("ok")}}},
		{"a close without a code", "raw 88 00\ngone", []wire.Message{{Op: wire.Close}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dialed(t, tt.script, func(t *testing.T, c *wire.Conn) {
				for _, want := range tt.want {
					got, err := c.Read()
					if err != nil {
						t.Fatal(err)
					}
					if got.Op != want.Op || got.Code != want.Code || !bytes.Equal(got.Payload, want.Payload) {
						t.Errorf("got %+v, want %+v", got, want)
					}
				}
			})
		})
	}
}

func TestConn_Read_broken_protocol(t *testing.T) {
	tests := []struct {
		name, raw string
		want      protocol.CloseCode
	}{
		{"a masked frame", "81 81 00000000 61", protocol.CloseProtocol},
		{"a reserved opcode", "83 00", protocol.CloseProtocol},
		{"a reserved bit", "c1 00", protocol.CloseProtocol},
		{"a continuation of nothing", "80 00", protocol.CloseProtocol},
		{"a text within a text", "01 00 81 00", protocol.CloseProtocol},
		{"a fragmented ping", "09 00", protocol.CloseProtocol},
		{"a long ping", "89 7e 007e", protocol.CloseProtocol},
		{"a negative length", "81 7f 8000000000000000", protocol.CloseProtocol},
		{"binary", "82 00", protocol.CloseUnsupported},
		{"broken UTF-8", "81 01 ff", protocol.CloseInvalidData},
		{"too long", "81 7f 0000000000400001", protocol.CloseTooBig},
		{"too long in all", "01 01 61 80 7f 0000000000400000", protocol.CloseTooBig},
		{"a close of one byte", "88 01 03", protocol.CloseProtocol},
		{"a close code that may not be sent", "88 02 03ed", protocol.CloseProtocol},
		{"a close reason of broken UTF-8", "88 03 03e8 ff", protocol.CloseProtocol},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dialed(t, "raw "+tt.raw+"\ngone", func(t *testing.T, c *wire.Conn) {
				_, err := c.Read()
				broken, ok := errors.AsType[*wire.BrokenError](err)
				if !ok || broken.Code != tt.want {
					t.Errorf("got %v, want the code %d", err, tt.want)
				}
			})
		})
	}
}

func TestConn_Read_counts_any_byte_as_life(t *testing.T) {
	dialed(t, "raw 81 02 61\ngone", func(t *testing.T, c *wire.Conn) {
		start := time.Now()
		if _, err := c.Read(); !errors.Is(err, wire.ErrSilent) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took != wire.DefaultSilence {
			t.Errorf("took %s", took)
		}
	})
}

func TestConn_Read_end_without_close(t *testing.T) {
	dialed(t, "drop", func(t *testing.T, c *wire.Conn) {
		if _, err := c.Read(); !errors.Is(err, io.EOF) {
			t.Errorf("got %v", err)
		}
	})
}

func TestConn_writes(t *testing.T) {
	dialed(t, "expect hello\nping abc\nclosed 1000", func(t *testing.T, c *wire.Conn) {
		if err := c.WriteText([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		m, err := c.Read()
		if err != nil || m.Op != wire.Ping {
			t.Fatal(m, err)
		}
		if err := c.WritePong(m.Payload); err != nil {
			t.Fatal(err)
		}
		if err := c.WriteClose(protocol.CloseNormal); err != nil {
			t.Fatal(err)
		}
		if m, err := c.Read(); err != nil || m.Op != wire.Close || m.Code != protocol.CloseNormal {
			t.Errorf("got %+v, %v", m, err)
		}
	})
}

func TestDial_refused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := scripted.NewPipe()
		server, err := scripted.Start(pipe, "refuse 503 7 try   \x1b later")
		if err != nil {
			t.Fatal(err)
		}
		_, err = wire.Dial(t.Context(), "ws://localhost/", wire.Options{NetDial: pipe.Dial})
		refused, ok := errors.AsType[*wire.RefusedError](err)
		if !ok || refused.Status != 503 || refused.RetryAfter != 7*time.Second || !refused.Temporary() ||
			refused.Error() != `503 Service Unavailable: try \x1b later` {
			t.Errorf("got %#v", err)
		}
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestDial_gives_up_in_time(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := scripted.NewPipe() // nobody accepts
		start := time.Now()
		_, err := wire.Dial(t.Context(), "ws://localhost/", wire.Options{NetDial: pipe.Dial})
		if err == nil || time.Since(start) != wire.DefaultTimeout {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
	})
}
