//go:build unix

package load

import (
	"errors"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// canShare says that there is a listenShared.
const canShare = true

// descriptors is how many descriptors this process may have. The Go runtime has raised
// the soft limit to the hard one.
func descriptors() uint64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return uint64(limit.Cur) //nolint:unconvert // on FreeBSD it is signed
}

// listenShared is listen without a buffer of the connection's own: only while something
// is there to be read one is taken.
func listenShared(c *net.TCPConn, take func([]byte) error) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var end error
	err = raw.Read(func(fd uintptr) bool {
		end = drain(int(fd), take)
		return end != nil // else it waits until there is more
	})
	if end != nil {
		return end
	}
	return err
}

// drain reads until there is nothing: Go's poller tells only of what is new, so the end
// of a socket that came along with its last bytes would be told of no more.
func drain(fd int, take func([]byte) error) error {
	b, _ := buffers.Get().(*[16 << 10]byte)
	defer buffers.Put(b)
	for {
		n, err := unix.Read(fd, b[:])
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return nil
		case err != nil:
			return os.NewSyscallError("read", err)
		case n == 0:
			return io.EOF
		default:
			if err := take(b[:n]); err != nil {
				return err
			}
		}
	}
}
