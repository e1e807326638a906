package load

import (
	"net"
	"sync"
)

// listen gives take what comes, until the socket ends or take returns an error, and
// returns why. What take gets is valid until it returns.
func listen(c net.Conn, take func([]byte) error) error {
	if tcp, ok := c.(*net.TCPConn); ok && canShare {
		return listenShared(tcp, take)
	}
	buf := make([]byte, 1<<10)
	for {
		n, err := c.Read(buf)
		if n > 0 {
			if err := take(buf[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// buffers are for those who read at the moment.
var buffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}
