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

// right is a right to do something to a collection; to the server, if that is empty.
type right struct{ collection, action string }

// tap stands between clients and a server, and keeps which rights their commands need.
type tap struct {
	URI string

	mu      sync.Mutex // guards what follows
	used    map[right]bool
	unknown map[string]bool // commands of which it is not known what rights they need
}

// newTap starts a tap on the server at uri, which ends with the test.
func newTap(t *testing.T, uri string) *tap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{URI: "mongodb://" + l.Addr().String() + "/?directConnection=true", used: make(map[right]bool), unknown: make(map[string]bool)}
	server, _, _ := strings.Cut(strings.TrimPrefix(uri, "mongodb://"), "/")
	var all sync.WaitGroup
	var conns sync.Map // net.Conn → true
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			back, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			conns.Store(client, true)
			conns.Store(back, true)
			end := func() { _, _ = client.Close(), back.Close() }
			all.Go(func() { defer end(); _, _ = io.Copy(client, back) })
			all.Go(func() { defer end(); p.listen(back, client) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		conns.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
		all.Wait()
	})
	return p
}

// listen passes messages on, and notes what is in them, until either end is gone.
func (p *tap) listen(to io.Writer, from io.Reader) {
	header := make([]byte, 16)
	for {
		if _, err := io.ReadFull(from, header); err != nil {
			return
		}
		message := make([]byte, binary.LittleEndian.Uint32(header)-16)
		if _, err := io.ReadFull(from, message); err != nil {
			return
		}
		if binary.LittleEndian.Uint32(header[12:]) == opMsg { // the others are handshakes
			command, _ := sections(message[4:])
			p.note(command)
		}
		if _, err := to.Write(append(header[:16:16], message...)); err != nil {
			return
		}
	}
}

// note takes a command into account.
func (p *tap) note(command bson.Raw) {
	elements, err := command.Elements()
	if err != nil || len(elements) == 0 {
		return
	}
	name := elements[0].Key()
	collection, _ := elements[0].Value().StringValueOK()
	rights, known := rightsOf(name, collection, command)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !known {
		p.unknown[name] = true
	}
	for _, r := range rights {
		p.used[r] = true
	}
}

// rightsOf are the rights that a command needs, by MongoDB's documentation of each, and
// whether the command is known here at all.
func rightsOf(name, collection string, command bson.Raw) (rights []right, known bool) {
	actions := map[string]string{
		"find": "find", "aggregate": "find", "insert": "insert", "update": "update", "delete": "remove",
		"create": "createCollection", "createIndexes": "createIndex", "collMod": "collMod",
	}
	switch name {
	case "hello", "ismaster", "isMaster", "buildInfo", "ping", "endSessions", "getMore", "killCursors": // of one's own cursors
		return nil, true
	case "serverStatus":
		return []right{{"", name}}, true
	}
	action, known := actions[name]
	if !known {
		return nil, false
	}
	if stages, err := command.LookupErr("pipeline", "0", "$changeStream"); err == nil && stages.Type != 0 {
		rights = append(rights, right{collection, "changeStream"})
	}
	return append(rights, right{collection, action}), true
}
