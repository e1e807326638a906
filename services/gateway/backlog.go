package gateway

// backlog holds what a socket did not take: whole frames behind the rest of one
// that may be partly sent.
type backlog struct {
	buf  []byte
	off  int // buf[:off] is sent
	torn int // bytes of buf[off:] that end a frame which is partly sent
}

// pending returns what is to be written.
func (b *backlog) pending() []byte { return b.buf[b.off:] }

// sent notes that n bytes of pending were written.
func (b *backlog) sent(n int) {
	if n < b.torn {
		b.torn -= n
	} else {
		b.torn = torn(b.buf[b.off+b.torn:], n-b.torn)
	}
	b.off += n
}

// add appends whole frames. The sent part is dropped when that saves a copy.
func (b *backlog) add(frames []byte) {
	if b.off > len(b.buf)/2 {
		b.buf = b.buf[:copy(b.buf, b.buf[b.off:])]
		b.off = 0
	}
	b.buf = append(b.buf, frames...)
}

// start makes b hold the rest of p, of which n bytes were sent. torn bytes of it
// end a frame.
func (b *backlog) start(p []byte, n, torn int) {
	b.buf = append(b.buf[:0], p[n:]...)
	b.off, b.torn = 0, torn
}

// trim drops all but the rest of a frame that is partly sent.
func (b *backlog) trim() {
	rest := b.buf[b.off : b.off+b.torn]
	if cap(b.buf) > maxSpareBacklog {
		b.buf = append([]byte(nil), rest...)
	} else {
		b.buf = b.buf[:copy(b.buf, rest)]
	}
	b.off = 0
}

// Backlogs that a loop keeps to use again: so many, each of at most so many bytes.
const (
	maxSpareBacklogs = 64
	maxSpareBacklog  = 16 << 10
)
