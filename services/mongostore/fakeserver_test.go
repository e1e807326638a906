package mongostore_test

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// fakeServer speaks just enough of the wire protocol to answer commands with what a
// test says: for the answers that no server at hand gives.
type fakeServer struct {
	URI    string
	Addr   string
	answer func(command string, body bson.Raw, docs int) bson.D
	set    bool // it says that it is the primary of a replica set

	mu       sync.Mutex // guards what follows
	commands []fakeCommand
	conns    map[net.Conn]bool
}

// fakeCommand is one command that was received.
type fakeCommand struct {
	name string
	body bson.Raw
	docs int // documents in its sequences
}

// serveFake starts a server whose answers are those of answer, or, where that is nil,
// those of an empty MongoDB.
func serveFake(t *testing.T, answer func(command string, body bson.Raw, docs int) bson.D) *fakeServer {
	t.Helper()
	return (&fakeServer{answer: answer}).start(t)
}

// serveSet is serveFake for a replica set of one.
func serveSet(t *testing.T, answer func(command string, body bson.Raw, docs int) bson.D) *fakeServer {
	t.Helper()
	return (&fakeServer{answer: answer, set: true}).start(t)
}

func (s *fakeServer) start(t *testing.T) *fakeServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Addr, s.conns = l.Addr().String(), make(map[net.Conn]bool)
	s.URI = "mongodb://" + s.Addr
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.keep(c)
			all.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		s.hangUp()
		all.Wait()
	})
	return s
}

func (s *fakeServer) keep(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = true
}

func (s *fakeServer) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
}

// received are the commands of a name.
func (s *fakeServer) received(name string) (list []fakeCommand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.commands {
		if c.name == name {
			list = append(list, c)
		}
	}
	return list
}

const (
	opReply = 1
	opQuery = 2004
	opMsg   = 2013
)

// serve answers one connection until it ends.
func (s *fakeServer) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	header := make([]byte, 16)
	for {
		if _, err := io.ReadFull(c, header); err != nil {
			return
		}
		message := make([]byte, binary.LittleEndian.Uint32(header)-16)
		if _, err := io.ReadFull(c, message); err != nil {
			return
		}
		id, op := header[4:8], binary.LittleEndian.Uint32(header[12:])
		if _, err := c.Write(s.reply(id, op, message)); err != nil {
			return
		}
	}
}

func (s *fakeServer) reply(id []byte, op uint32, message []byte) []byte {
	var body []byte
	answerOp := uint32(opMsg)
	switch op {
	case opQuery: // flags, name of the collection, skip, limit, the command
		name := 4
		for message[name] != 0 {
			name++
		}
		answerOp = opReply
		body = append(make([]byte, 16), 1, 0, 0, 0) // flags, cursor, from; 1 document
		body = append(body, s.run(message[name+9:], 0)...)
	default: // flags, then sections
		command, docs := sections(message[4:])
		body = append(make([]byte, 5), s.run(command, docs)...)
	}
	out := binary.LittleEndian.AppendUint32(nil, uint32(16+len(body)))
	out = append(out, 0, 0, 0, 0)
	out = append(out, id...)
	out = binary.LittleEndian.AppendUint32(out, answerOp)
	return append(out, body...)
}

// sections takes apart the command and counts the documents that come beside it.
func sections(b []byte) (command bson.Raw, docs int) {
	for len(b) > 0 {
		kind := b[0]
		size := binary.LittleEndian.Uint32(b[1:])
		section := b[1 : 1+size]
		b = b[1+size:]
		if kind == 0 {
			command = section
			continue
		}
		at := 4
		for section[at] != 0 {
			at++
		}
		for at++; at < len(section); docs++ {
			at += int(binary.LittleEndian.Uint32(section[at:]))
		}
	}
	return command, docs
}

func (s *fakeServer) run(command bson.Raw, docs int) bson.Raw {
	elements, _ := command.Elements()
	name := elements[0].Key()
	s.mu.Lock()
	s.commands = append(s.commands, fakeCommand{name, command, docs})
	s.mu.Unlock()
	var answer bson.D
	if s.answer != nil {
		answer = s.answer(name, command, docs)
	}
	if answer == nil {
		answer = ordinary(name, docs)
	}
	if s.set && isHello(name) {
		answer = append(answer, bson.E{Key: "setName", Value: "rs"}, bson.E{Key: "setVersion", Value: 1},
			bson.E{Key: "hosts", Value: bson.A{s.Addr}}, bson.E{Key: "primary", Value: s.Addr}, bson.E{Key: "me", Value: s.Addr})
	}
	raw, _ := bson.Marshal(answer)
	return raw
}

func isHello(command string) bool {
	return strings.EqualFold(command, "ismaster") || command == "hello"
}

// ordinary is what an empty MongoDB 8 says.
func ordinary(name string, docs int) bson.D {
	ok := bson.E{Key: "ok", Value: 1.0}
	if isHello(name) {
		return bson.D{{Key: "isWritablePrimary", Value: true}, {Key: "ismaster", Value: true}, {Key: "helloOk", Value: true},
			{Key: "maxBsonObjectSize", Value: 16 << 20}, {Key: "maxMessageSizeBytes", Value: 48000000},
			{Key: "maxWriteBatchSize", Value: 100000}, {Key: "minWireVersion", Value: 0}, {Key: "maxWireVersion", Value: 25}, ok}
	}
	switch name {
	case "buildInfo":
		return bson.D{{Key: "version", Value: "8.0.0"}, ok}
	case "find", "aggregate":
		return bson.D{{Key: "cursor", Value: bson.D{{Key: "id", Value: int64(0)}, {Key: "ns", Value: "presence.x"}, {Key: "firstBatch", Value: bson.A{}}}}, ok}
	case "insert", "update", "delete":
		return bson.D{{Key: "n", Value: docs}, ok}
	}
	return bson.D{ok}
}

// failure is a server's answer that it did not do what was asked.
func failure(code int, name, message string) bson.D {
	return bson.D{{Key: "ok", Value: 0.0}, {Key: "code", Value: code}, {Key: "codeName", Value: name}, {Key: "errmsg", Value: message}}
}
