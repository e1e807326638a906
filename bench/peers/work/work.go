package work

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/presenced/presence/services/fibonacci"
	"github.com/presenced/presence/services/protocol"
	"github.com/presenced/presence/services/timepush"
)

// Command is the small command, and what all answer to it, as presenced does.
const (
	Command = `{"type":"fibonacci","n":90}`
	n       = 90
)

var (
	command = []byte(Command)
	answer  = func() []byte {
		value, _ := fibonacci.FastDoubling.Uint64(n)
		return protocol.AppendFibonacciUint(nil, nil, n, value, fibonacci.FastDoubling.String(), 0)
	}()
	unknown = protocol.AppendError(nil, &protocol.Error{Code: protocol.UnknownType, Message: "only F(90) is known here"})
)

// Welcome is what every client hears first. It is shared: do not change it.
var Welcome = protocol.AppendWelcome(nil, protocol.Welcome{User: "somebody", Node: "bench", Time: time.Unix(0, 0).UTC()})

// Answer returns what to answer to a message: bytes that are shared, do not change them.
func Answer(message []byte) []byte {
	if bytes.Equal(message, command) {
		return answer
	}
	return unknown
}

// Server is what a program has made of a library.
type Server struct {
	Addr net.Addr

	// Push sends a text message to every client. The message is Push's to keep.
	Push func(message []byte)
}

// Listen takes a free port of 127.0.0.1.
func Listen() (net.Listener, error) {
	return new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
}

// Main is the program: it runs what start has made of a library until a signal ends the
// process, and with it all that it has. The listen error or another of start's is told.
func Main(name string, start func() (Server, error)) {
	raiseFiles()
	s, err := start()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	collect := make(chan os.Signal, 1) // one that waits asks for the same as two
	signal.Notify(collect, syscall.SIGUSR1)
	go timepush.Run(ctx, s.Push)
	fmt.Println("clients ", s.Addr)
	for {
		select {
		case <-ctx.Done():
			return
		case <-collect:
			// What is in use is measured, not what the collector has yet to find.
			debug.FreeOSMemory()
		}
	}
}

// raiseFiles lets the process have as many sockets as the hard limit allows. Go does it
// by itself for programs that import os, but not always: see syscall.Setrlimit.
func raiseFiles() {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		limit.Cur = limit.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit) // else connecting fails, and says so
	}
}
