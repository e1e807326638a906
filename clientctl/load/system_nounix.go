//go:build !unix

package load

import (
	"errors"
	"net"
)

// canShare says that there is no listenShared.
const canShare = false

// descriptors is how many descriptors this process may have; 0: there is no limit.
func descriptors() uint64 { return 0 }

func listenShared(*net.TCPConn, func([]byte) error) error { return errors.ErrUnsupported }
