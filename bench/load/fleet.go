package load

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Config is how a Fleet works. Server is required; the zero value of another field
// means its default.
type Config struct {
	Server     netip.AddrPort
	Unfinished int              // handshakes at a time; default 512
	User       func(int) string // of the client of that number, from 0; default "u" and the number

	// Handle gets every message, after the fleet has counted it; default: nothing.
	Handle func(*Client, Message)
}

// Client is one connection of a fleet.
type Client struct {
	fd    int32
	state state
	heard uint64 // bit i: the tick of the i-th second since Fleet.expected
	in    parser
}

// state is where a client is in its life. It only moves forward.
type state uint8

const (
	connecting state = iota // TCP is not through yet
	asking                  // the request is sent
	open                    // upgraded
	welcomed
	gone
)

// Count is how many clients of a fleet came how far.
type Count struct {
	Begun    int // with a socket
	Open     int // upgraded and not gone
	Welcomed int // in all, also if gone
	Gone     int // refused or lost: nothing that a load expects
}

// Fleet is many clients of one server.
type Fleet struct {
	// static after construction
	cfg  Config
	host string

	epoll      int
	clients    []Client // never grows, so that its addresses hold
	unfinished int
	answers    map[int32][]byte // to handshakes, as far as they came
	count      Count
	err        error // of the first client that went
	welcomed   time.Time
	buf        []byte
	scratch    []byte
	events     []unix.EpollEvent
	stamps     []byte // for the times that reads come with; nil: they come with none
	tickSize   int    // bytes of the frame of the latest tick

	expected int64 // Unix second of the first tick that is waited for; 0: none is
	late     Samples
	twice    int
}

// NewFleet returns a fleet that will have at most so many clients.
func NewFleet(size int, cfg Config) (*Fleet, error) {
	if cfg.Unfinished == 0 {
		cfg.Unfinished = 512
	}
	if cfg.User == nil {
		cfg.User = func(i int) string { return "u" + strconv.Itoa(i) }
	}
	if cfg.Handle == nil {
		cfg.Handle = func(*Client, Message) {}
	}
	if !cfg.Server.Addr().Is4() {
		return nil, fmt.Errorf("load: %s is no IPv4 address: clients come from 127.0.0.0/8", cfg.Server)
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &Fleet{
		cfg: cfg, host: cfg.Server.String(), epoll: epoll,
		clients: make([]Client, 0, size),
		answers: make(map[int32][]byte),
		buf:     make([]byte, 256<<10),
		events:  make([]unix.EpollEvent, 256),
	}, nil
}

// Close closes all sockets, without a WebSocket farewell.
func (f *Fleet) Close() {
	for i := range f.clients {
		if c := &f.clients[i]; c.state != gone {
			c.state = gone
			_ = unix.Close(int(c.fd))
		}
	}
	_ = unix.Close(f.epoll)
}

// Count says how far the clients came.
func (f *Fleet) Count() Count { return f.count }

// Welcomed is when the last of the welcomes came.
func (f *Fleet) Welcomed() time.Time { return f.welcomed }

// Size is how many clients the fleet was made for.
func (f *Fleet) Size() int { return cap(f.clients) }

// Clients are those that Connect began, in their order.
func (f *Fleet) Clients() []Client { return f.clients }

// ErrLost is returned when a client was refused or its connection ended.
var ErrLost = errors.New("clients were refused or lost")

// Err returns nil as long as no client was refused or lost, and else ErrLost with
// their number and the cause of the first.
func (f *Fleet) Err() error {
	if f.count.Gone == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d of %d: %w", ErrLost, f.count.Gone, f.count.Begun, f.err)
}

// Connect connects n more clients as fast as the server takes them, and drives all
// until each is welcomed, or one is lost, or ctx ends.
func (f *Fleet) Connect(ctx context.Context, n int) error {
	if len(f.clients)+n > cap(f.clients) {
		return fmt.Errorf("load: %d clients are more than this fleet was made for", len(f.clients)+n)
	}
	end := len(f.clients) + n
	for f.count.Welcomed < end {
		for len(f.clients) < end && f.unfinished < f.cfg.Unfinished {
			if err := f.begin(); err != nil {
				return fmt.Errorf("load: client %d: %w", len(f.clients), err)
			}
		}
		if err := f.turn(); err != nil {
			return err
		}
		if err := errors.Join(f.Err(), ctx.Err()); err != nil {
			return fmt.Errorf("load: %d of %d are welcomed: %w", f.count.Welcomed, end, err)
		}
	}
	return nil
}

// Watch drives the clients until ctx ends, and returns Err.
func (f *Fleet) Watch(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := f.turn(); err != nil {
			return err
		}
	}
	return f.Err()
}

// Send sends a command. Commands are short: that the socket does not take one whole
// is an error, and means that the server does not read.
func (c *Client) Send(cmd Command) error {
	n, err := unix.Write(int(c.fd), cmd)
	if err == nil && n < len(cmd) {
		err = unix.EAGAIN
	}
	return os.NewSyscallError("write", err)
}
