package load

import (
	"encoding/binary"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Stamp makes ticks count from then on from when they came to the client's socket, as the
// kernel notes it, and not from when the fleet read them. So a fleet may stand still
// meanwhile and leave the processors to the server. It should have heard a tick before.
func (f *Fleet) Stamp() error {
	for i := range f.clients {
		c := &f.clients[i]
		if c.state == gone {
			continue
		}
		if err := unix.SetsockoptInt(int(c.fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	f.stamps = make([]byte, unix.CmsgSpace(stampSize))
	return nil
}

// stampSize is the size of a struct timespec.
const stampSize = 16

// receive reads, and says when what was read came: the last of it. With stamps it reads
// no more than a tick, or the stamp might be that of what came after it, such as a ping.
func (f *Fleet) receive(fd int) (n int, at time.Time, err error) {
	if f.stamps == nil {
		n, err = unix.Read(fd, f.buf)
		return n, time.Now(), err
	}
	p := f.buf
	if f.tickSize > 0 {
		p = p[:f.tickSize]
	}
	n, size, _, _, err := unix.Recvmsg(fd, p, f.stamps, 0)
	at, ok := readStamp(f.stamps[:max(size, 0)])
	if !ok {
		at = time.Now()
	}
	return n, at, err
}

// readStamp reads a control message that is a time.
func readStamp(p []byte) (at time.Time, ok bool) {
	const level, kind = 8, 12 // struct cmsghdr: after its length, which is a long
	data := unix.CmsgLen(0)
	if len(p) < data+stampSize ||
		binary.NativeEndian.Uint32(p[level:]) != unix.SOL_SOCKET || binary.NativeEndian.Uint32(p[kind:]) != unix.SCM_TIMESTAMPNS {
		return at, false
	}
	seconds, rest := binary.NativeEndian.Uint64(p[data:]), binary.NativeEndian.Uint64(p[data+8:])
	return time.Unix(int64(seconds), int64(rest)), true
}
