package witness

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"
)

// Link is a way to a server that can be cut. Then nothing is refused and nothing ends,
// but nothing arrives either, as where a network drops packets; and when it is mended
// what was under way arrives late. It is safe for concurrent use.
type Link struct {
	// static after NewLink
	to       string
	listener net.Listener
	ended    context.Context //nolint:containedctx // of the link's whole life
	end      context.CancelFunc
	all      sync.WaitGroup

	mu   sync.Mutex
	open chan struct{} // closed while the link is whole
}

// NewLink returns a whole link to the server at host:port. It must be closed.
func NewLink(to string) (*Link, error) {
	ctx, cancel := context.WithCancel(context.Background())
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		return nil, err
	}
	l := &Link{to: to, listener: listener, ended: ctx, end: cancel, open: make(chan struct{})}
	close(l.open)
	l.all.Go(l.accept)
	return l, nil
}

// LinkTo returns a whole link to a MongoDB with one address, and the address through it.
func LinkTo(uri string) (l *Link, through string, err error) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "mongodb" || u.Port() == "" {
		return nil, "", errors.New("want a mongodb:// address of one host, with its port")
	}
	if l, err = NewLink(u.Host); err != nil {
		return nil, "", err
	}
	u.Host = l.Addr()
	u.Path = "/" + strings.TrimPrefix(u.Path, "/")
	query := u.Query()
	query.Set("directConnection", "true") // and to nobody whom the database tells of
	u.RawQuery = query.Encode()
	return l, u.String(), nil
}

// Addr is where the link begins, host:port.
func (l *Link) Addr() string { return l.listener.Addr().String() }

// Cut cuts the link, which must be whole.
func (l *Link) Cut() {
	l.mu.Lock()
	l.open = make(chan struct{})
	l.mu.Unlock()
}

// Mend makes a link whole that was cut.
func (l *Link) Mend() {
	l.mu.Lock()
	close(l.open)
	l.mu.Unlock()
}

// Close ends the link and all that goes through it.
func (l *Link) Close() {
	l.end()
	_ = l.listener.Close()
	l.all.Wait()
}

// passes waits until the link is whole, and reports whether it has not ended.
func (l *Link) passes() bool {
	l.mu.Lock()
	open := l.open
	l.mu.Unlock()
	select {
	case <-open:
		return l.ended.Err() == nil
	case <-l.ended.Done():
		return false
	}
}

func (l *Link) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.all.Go(func() { l.join(near) })
	}
}

// join carries what either side says to the other until one of them ends.
func (l *Link) join(near net.Conn) {
	defer func() { _ = near.Close() }()
	if !l.passes() {
		return
	}
	far, err := new(net.Dialer).DialContext(l.ended, "tcp", l.to)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	both, cancel := context.WithCancel(l.ended)
	defer context.AfterFunc(both, func() {
		_ = near.Close()
		_ = far.Close()
	})()
	var back sync.WaitGroup
	back.Go(func() {
		defer cancel()
		l.carry(near, far)
	})
	l.carry(far, near)
	cancel()
	back.Wait()
}

func (l *Link) carry(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if !l.passes() || err != nil {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}
