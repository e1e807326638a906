package gateway

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
)

// piped returns a pipe of a relay that nobody runs, and the client's end of it.
func piped(t *testing.T) (*relay, *pipe, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	end, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = end.Close() })
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	s := newShared(Config{})
	s.sockets.Add(1)
	r, p := newRelay(s), newPipe(s, conn.(*net.TCPConn))
	p.attach(r, 3, 4)
	t.Cleanup(s.pipes.Wait)
	return r, p, end.(*net.TCPConn)
}

// hear waits for the next event of a pipe.
func (r *relay) hear(t *testing.T, is func(event) bool) {
	t.Helper()
	eventually(t, "there is news", func() bool {
		events, _, err := r.wait(10)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.slot == 3 && e.id == 4 && is(e) {
				return true
			}
		}
		return false
	})
}

func isReadable(e event) bool { return e.readable }
func isWritable(e event) bool { return e.writable }

// Nothing is read ahead of the loop, so that a client which floods costs a chunk.
func TestPipe_reads_a_chunk_at_a_time(t *testing.T) {
	r, p, end := piped(t)
	c := &conn{pipe: p}
	sent := []byte(repeat(3*readChunk + 10))
	if _, err := end.Write(sent); err != nil {
		t.Fatal(err)
	}
	var got []byte
	buf := make([]byte, readSize)
	for len(got) < len(sent) {
		r.hear(t, isReadable)
		n, err := r.read(c, buf)
		if err != nil || n > readChunk {
			t.Fatalf("read %d, %v", n, err)
		}
		got = append(got, buf[:n]...)
		if _, err := r.read(c, buf); !errors.Is(err, errAgain) {
			t.Fatalf("a second read in one turn: %v", err)
		}
	}
	if string(got) != string(sent) {
		t.Error("other bytes were read than sent")
	}
	_ = end.CloseWrite()
	r.hear(t, isReadable)
	if n, err := r.read(c, buf); n != 0 || err != nil {
		t.Errorf("the end is read as %d, %v", n, err)
	}
	p.close()
}

// A client that does not read makes the pipe keep few bytes, never wait, and tell when
// there is room; a close gives up what it does not take.
func TestPipe_writes_to_a_client_that_does_not_read(t *testing.T) {
	r, p, end := piped(t)
	_ = p.tcp.SetWriteBuffer(4096)
	_ = end.SetReadBuffer(4096)
	message := []byte(repeat(1000))
	var taken []byte
	fill := func() {
		refused := 0 // in a row: the socket is full, and not the writer on its way
		eventually(t, "the socket is full", func() bool {
			n, err := p.write(message)
			taken = append(taken, message[:n]...)
			refused++
			if !errors.Is(err, errAgain) {
				refused = 0
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			if len(p.next) > maxFlight {
				t.Fatalf("%d bytes wait in the pipe", len(p.next))
			}
			return refused > 20
		})
	}
	fill()
	p.watch(true)
	got := make([]byte, len(taken))
	if _, err := io.ReadFull(end, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, taken) {
		t.Error("other bytes came than were written")
	}
	r.hear(t, isWritable)
	p.watch(false)
	fill()
	p.close()
	eventually(t, "the socket is closed", func() bool { return p.shared.sockets.Load() == 0 })
}

// What was written is sent, although the socket is shut and closed at once.
func TestPipe_close_sends_what_was_written(t *testing.T) {
	_, p, end := piped(t)
	last := []byte(repeat(2 * maxNext))
	if n, err := p.write(last); n != len(last) || err != nil {
		t.Fatalf("wrote %d, %v", n, err)
	}
	p.shut()
	if _, err := p.write(last); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a write after the end: %v", err)
	}
	p.close()
	if got, err := io.ReadAll(end); err != nil || string(got) != string(last) {
		t.Errorf("the client got %d bytes, %v; want %d", len(got), err, len(last))
	}
}

// A loop takes the news of many in turns, each once, in order.
func TestRelay_wait_is_bounded(t *testing.T) {
	r := newRelay(newShared(Config{}))
	for i := range eventsPerTurn + 10 {
		p := &pipe{slot: int32(i)}
		r.report(p, canRead)
		r.report(p, canWrite)
	}
	r.ring()
	events, rung, _ := r.wait(-1)
	if len(events) != eventsPerTurn || !rung || !events[5].readable || !events[5].writable {
		t.Errorf("%d events, rung %v, %+v", len(events), rung, events[5])
	}
	events, rung, _ = r.wait(-1)
	if len(events) != 10 || rung || events[0].slot != eventsPerTurn {
		t.Errorf("then %d events, rung %v, from %d", len(events), rung, events[0].slot)
	}
	if events, rung, _ = r.wait(1); len(events) != 0 || rung {
		t.Errorf("then %d events, rung %v", len(events), rung)
	}
}
