package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"go.uber.org/zap"
)

// The buffers of a pipe, in bytes.
const (
	readChunk = 4 << 10
	// maxFlight is how much one write sends; a TLS record holds no more.
	maxFlight = 16 << 10
	// maxNext is how much may wait behind that. What waits here are stale pushes to a
	// client that does not read, as in the kernel: see notSentLowat.
	maxNext = 4 << 10
)

// lastWords is how long a connection that is closed may go on sending what was written.
const lastWords = time.Second

// pipe is the socket of a connection of a relay. One goroutine reads: a chunk at a time,
// and the next one when the loop has dealt with it. Another one writes, while there is
// something to write. All methods return at once.
type pipe struct {
	// static after attach
	relay  *relay
	shared *shared
	tcp    *net.TCPConn
	slot   int32
	id     uint32
	resume chan struct{} // room for one; the reader waits for it after each chunk

	preamble bool // its proxy's preamble comes first, before TLS

	news news // guarded by relay.mu

	mu     sync.Mutex
	conn   duplex // tcp, or TLS over it
	chunk  []byte // was read and is not taken; the reader does not touch it until resume
	rerr   error  // why nothing more is read; told once
	werr   error  // why nothing more is written
	flight []byte // is being written; owned by the writer
	next   []byte // is written after that; empty where there is no writer
	writes bool   // there is a writer
	wants  bool   // the loop is to hear when there is room
	side   side
	owner  owner
}

// side is how far the end of our side has come.
type side uint8

const (
	sideOpen   side = iota
	sideEnding      // once all is written
	sideEnded       // or the writer is about to end it
)

// owner says whose a pipe's socket is.
type owner uint8

const (
	ours    owner = iota
	theirs        // it was handed over
	nobodys       // it is closed, or is closed when the writer is done
)

func newPipe(s *shared, tcp *net.TCPConn) *pipe {
	p := &pipe{shared: s, tcp: tcp, conn: tcp, resume: make(chan struct{}, 1)}
	if s.cfg.TLS != nil {
		p.conn = tls.Server(tcp, s.cfg.TLS)
	}
	return p
}

// attach begins to read, and to report to r.
func (p *pipe) attach(r *relay, slot int32, id uint32) {
	p.relay, p.slot, p.id = r, slot, id
	p.shared.pipes.Go(p.readAll)
}

// readAll is the reading goroutine. It ends with the connection, or when that is
// handed over.
func (p *pipe) readAll() {
	buf := make([]byte, readChunk)
	conn, err := p.secure(buf)
	for {
		n := 0
		if err == nil {
			n, err = conn.Read(buf)
		}
		if n > 0 {
			err = nil // it comes again
		}
		p.offer(buf[:n], err)
		if err != nil && !errors.Is(err, errNotTLS) {
			return
		}
		err = nil
		<-p.resume
		if p.isOver() {
			return
		}
	}
}

// secure does the TLS handshake, if there is to be one, and returns what to read from.
// A client that speaks without TLS is answered without.
func (p *pipe) secure(buf []byte) (duplex, error) {
	secured, ok := p.conn.(*tls.Conn) // nobody changes it but this goroutine
	if !ok {
		return p.tcp, nil
	}
	if p.preamble {
		if good, err := p.passPreamble(buf); !good {
			return p.tcp, err
		}
	}
	err := secured.HandshakeContext(context.Background()) // the loop closes who takes too long
	if plain, ok := errors.AsType[tls.RecordHeaderError](err); ok && plain.Conn != nil && looksLikeHTTP(plain.RecordHeader[0]) {
		p.speakPlainly()
		return p.tcp, errNotTLS
	}
	if err != nil && !p.isOver() {
		p.shared.cfg.Log.Debug("TLS handshake failed",
			zap.String("remote", p.shared.cfg.Shown(addrPort(p.tcp.RemoteAddr()).Addr())), zap.Error(withoutAddresses(err)))
	}
	return secured, err
}

// withoutAddresses is an error of a socket without the addresses of its ends.
func withoutAddresses(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("%s: %w", op.Op, op.Err)
	}
	return err
}

// speakPlainly leaves TLS away.
func (p *pipe) speakPlainly() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conn = p.tcp
}

// passPreamble hands a proxy's preamble to the loop, and not a byte of what follows. It
// reports whether that is a handshake. What is no preamble the loop refuses, without TLS.
func (p *pipe) passPreamble(buf []byte) (good bool, err error) {
	n, size := 0, 1
	for n < size {
		k, err := p.tcp.Read(buf[n:size])
		if err != nil {
			return false, err
		}
		n += k
		var bad error
		if _, size, bad = readPreamble(buf[:n]); bad != nil {
			p.speakPlainly()
			break
		}
		good = n == size
	}
	p.offer(buf[:n], nil)
	<-p.resume
	if p.isOver() {
		return false, net.ErrClosed
	}
	return good, nil
}

// offer hands what was read to the loop.
func (p *pipe) offer(chunk []byte, err error) {
	p.mu.Lock()
	p.chunk, p.rerr = chunk, err
	p.mu.Unlock()
	p.relay.report(p, canRead)
}

// readOn lets the reader go on.
func (p *pipe) readOn() {
	select {
	case p.resume <- struct{}{}:
	default:
	}
}

func (p *pipe) isOver() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.owner != ours
}

// read takes what was read. b has room for it.
func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := copy(b, p.chunk); n > 0 {
		p.chunk = nil
		return n, nil
	}
	err := p.rerr
	p.rerr = nil
	switch {
	case errors.Is(err, errNotTLS):
		p.readOn()
		return 0, err
	case errors.Is(err, io.EOF):
		return 0, nil
	case err != nil:
		return 0, err
	case p.werr != nil:
		return 0, p.werr
	}
	return 0, errAgain
}

// write gives b, or the first part of it, to the writer.
func (p *pipe) write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	room := maxNext - len(p.next)
	switch {
	case p.werr != nil:
		return 0, p.werr
	case p.side != sideOpen:
		return 0, net.ErrClosed
	case !p.writes:
		room = maxFlight
		p.startLocked()
	case room <= 0:
		return 0, errAgain
	}
	n := min(len(b), room)
	p.next = append(p.next, b[:n]...)
	return n, nil
}

func (p *pipe) startLocked() {
	p.writes = true
	p.shared.pipes.Go(p.writeAll)
}

// writeAll is the writing goroutine. It ends when nothing is left to write.
func (p *pipe) writeAll() {
	p.mu.Lock()
	conn := p.conn
	p.mu.Unlock()
	for err := error(nil); p.more(err); {
		if len(p.flight) > 0 {
			_, err = conn.Write(p.flight)
			continue
		}
		err = conn.CloseWrite()
		if conn != duplex(p.tcp) { // that was the end of TLS only
			err = errors.Join(err, p.tcp.CloseWrite())
		}
	}
}

// more notes how the last step went, and reports whether there is another one: a flight
// to write, or else the end of our side.
func (p *pipe) more(err error) bool {
	p.mu.Lock()
	tell := p.landedLocked(err)
	more := p.nextStepLocked()
	p.mu.Unlock()
	if tell != 0 {
		p.relay.report(p, tell)
	}
	return more
}

// landedLocked makes room for the next flight, and returns what the loop is to hear.
func (p *pipe) landedLocked(err error) news {
	if err != nil {
		p.werr, p.flight, p.next = err, nil, nil
		return canRead
	}
	p.flight, p.next = p.next, p.flight[:0]
	if p.wants {
		return canWrite
	}
	return 0
}

// nextStepLocked reports whether there is something to do. If not, the writing ends, and
// the connection too if that has waited for it.
func (p *pipe) nextStepLocked() bool {
	switch {
	case len(p.flight) > 0:
		return true
	case p.side == sideEnding && p.werr == nil:
		p.side = sideEnded
		return true
	}
	p.writes = false
	if cap(p.flight)+cap(p.next) > maxNext {
		p.flight, p.next = nil, nil
	}
	if p.owner == nobodys {
		p.endLocked()
	}
	return false
}

// watch says whether the loop is to hear of room.
func (p *pipe) watch(wants bool) {
	p.mu.Lock()
	p.wants = wants
	room := wants && !p.writes
	p.mu.Unlock()
	if room {
		p.relay.report(p, canWrite)
	}
}

// shut ends our side, after what was written.
func (p *pipe) shut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.side != sideOpen {
		return
	}
	p.side = sideEnding
	if !p.writes {
		p.startLocked()
	}
}

// detach returns the socket. Its reader waits, for its chunk was just taken, and ends.
func (p *pipe) detach() duplex {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owner = theirs
	return p.conn
}

// close ends the connection, when what was written is sent or lastWords are over.
func (p *pipe) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.owner == theirs:
		p.shared.sockets.Add(-1)
	case p.writes:
		p.owner = nobodys
		_ = p.tcp.SetDeadline(time.Now().Add(lastWords)) // fails on a broken one, as the write does
	default:
		p.owner = nobodys
		p.endLocked()
	}
	p.readOn()
}

func (p *pipe) endLocked() {
	_ = p.tcp.Close()
	p.shared.sockets.Add(-1)
}
