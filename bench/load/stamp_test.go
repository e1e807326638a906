package load

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/sys/unix"
)

// TestFleet_Stamp holds that a tick counts from when it came, however late it is read, and
// whatever came after it.
// The kernel begins to note that a moment after it is asked to.
func TestFleet_Stamp(t *testing.T) {
	send, sent := make(chan []byte), make(chan time.Time)
	addr := serve(t, func(c net.Conn) {
		greet(c, welcome)
		for text := range send {
			_ = ws.WriteFrame(c, ws.NewTextFrame(text))
			sent <- time.Now()
			_ = ws.WriteFrame(c, ws.NewPingFrame(nil))
			sent <- time.Now()
		}
	})
	t.Cleanup(func() { close(send) })
	read := func() {}
	f, ctx := fleet(t, 1, Config{Server: addr, Handle: func(_ *Client, m Message) {
		if m.Kind == Tick {
			read()
		}
	}})
	if err := f.Connect(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if err := f.Stamp(); err != nil {
		t.Fatal(err)
	}
	for noted := false; !noted; {
		second := time.Now().Truncate(time.Second)
		f.Expect(second)
		send <- tick(second.Unix())
		came := <-sent // and nobody has read it yet
		<-sent         // nor the ping
		reading, cancel := context.WithCancel(ctx)
		read = cancel
		err := f.Watch(reading)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Ticks(second.Add(time.Second))
		if err := errors.Join(err, ctx.Err()); err != nil || got.Missed != 0 {
			t.Fatalf("missed %d, error %v", got.Missed, err)
		}
		noted = !second.Add(got.Late.Quantile(1)).After(came)
	}
}

func TestReadStamp(t *testing.T) {
	long := binary.NativeEndian.AppendUint64(nil, uint64(unix.CmsgLen(stampSize)))
	stamp := binary.NativeEndian.AppendUint32(long, unix.SOL_SOCKET)
	stamp = binary.NativeEndian.AppendUint32(stamp, unix.SCM_TIMESTAMPNS)
	stamp = binary.NativeEndian.AppendUint64(stamp, 1_800_000_000)
	stamp = binary.NativeEndian.AppendUint64(stamp, 7)
	if at, ok := readStamp(stamp); !ok || !at.Equal(time.Unix(1_800_000_000, 7)) {
		t.Errorf("got %v, %v", at, ok)
	}
	other := slices.Clone(stamp)
	other[12]++
	for _, p := range [][]byte{nil, stamp[:len(stamp)-1], other} {
		if at, ok := readStamp(p); ok {
			t.Errorf("of %x: got %v", p, at)
		}
	}
}
