package mongostore_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/mongostore"
	"github.com/presenced/presence/services/mongostore/mongotest"
	"github.com/presenced/presence/services/presence"
)

// election stands before a database and makes it a primary that steps down, now and
// then, in the middle of a write: before it, when part of a batch is written, or before
// the answer has gone out; with each of the answers that a server then has.
type election struct {
	backend string // its address

	mu    sync.Mutex // guards what follows
	rand  *rand.Rand
	left  int            // how often it steps down yet
	kinds map[string]int // how often it did, in which way
}

// elect starts an election before the database of a URI, and returns its address.
func elect(t *testing.T, uri string, e *election) string {
	t.Helper()
	e.backend = strings.TrimSuffix(strings.TrimPrefix(uri, "mongodb://"), "/")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { e.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait() // the store is closed by now, and with it all connections
	})
	return l.Addr().String()
}

func (e *election) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", e.backend)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	for {
		question, err := readMessage(client)
		if err != nil {
			return
		}
		reply, hangUp, err := e.ask(server, question)
		if err != nil || hangUp {
			return
		}
		if _, err := client.Write(reply); err != nil {
			return
		}
	}
}

// readMessage reads one message of the wire protocol, with its header.
func readMessage(r io.Reader) ([]byte, error) {
	size := make([]byte, 4)
	if _, err := io.ReadFull(r, size); err != nil {
		return nil, err
	}
	message := make([]byte, binary.LittleEndian.Uint32(size))
	copy(message, size)
	_, err := io.ReadFull(r, message[4:])
	return message, err
}

// The ways to step down in the middle of a write.
const (
	beforeIt = "before it"
	inIt     = "in the middle of it"
	afterIt  = "before the answer"
	cutOff   = "and the connection breaks"
)

// ask lets the database answer, or not.
func (e *election) ask(server net.Conn, question []byte) (reply []byte, hangUp bool, err error) {
	forward := func(m []byte) ([]byte, error) {
		if _, err := server.Write(m); err != nil {
			return nil, err
		}
		return readMessage(server)
	}
	way, code := e.choose(question)
	switch way {
	case beforeIt:
		return answerTo(question, failure(code, "", "not primary")), false, nil
	case inIt:
		part, n := firstHalf(question)
		if _, err := forward(part); err != nil {
			return nil, false, err
		}
		return answerTo(question, bson.D{{Key: "ok", Value: 1.0}, {Key: "n", Value: n}, {Key: "writeErrors", Value: bson.A{
			bson.D{{Key: "index", Value: n}, {Key: "code", Value: code}, {Key: "errmsg", Value: "interrupted"}}}}}), false, nil
	case afterIt:
		if _, err := forward(question); err != nil {
			return nil, false, err
		}
		return answerTo(question, bson.D{{Key: "ok", Value: 1.0}, {Key: "n", Value: 1}, {Key: "writeConcernError", Value: bson.D{
			{Key: "code", Value: code}, {Key: "errmsg", Value: "primary stepped down while waiting for replication"}}}}), false, nil
	case cutOff:
		_, err := forward(question)
		return nil, true, err
	}
	reply, err = forward(question)
	return reply, false, err
}

// choose says whether and how to step down at a message.
func (e *election) choose(message []byte) (way string, code int) {
	if binary.LittleEndian.Uint32(message[12:]) != opMsg {
		return "", 0
	}
	command, docs := sections(message[20:])
	elements, _ := command.Elements()
	name := elements[0].Key()
	e.mu.Lock()
	defer e.mu.Unlock()
	if name != "insert" && name != "delete" || e.left == 0 || e.rand.IntN(3) > 0 {
		return "", 0
	}
	e.left--
	ways := []string{beforeIt, afterIt, cutOff}
	if name == "insert" && docs > 1 {
		ways = append(ways, inIt, inIt)
	}
	way = ways[e.rand.IntN(len(ways))]
	e.kinds[way]++
	// NotWritablePrimary, PrimarySteppedDown, ShutdownInProgress, InterruptedAtShutdown,
	// InterruptedDueToReplStateChange
	codes := []int{10107, 189, 91, 11600, 11602}
	return way, codes[e.rand.IntN(len(codes))]
}

// answerTo is a server's message with a document, as the answer to a message.
func answerTo(question []byte, answer bson.D) []byte {
	raw, _ := bson.Marshal(answer)
	out := binary.LittleEndian.AppendUint32(nil, uint32(16+5+len(raw)))
	out = append(out, 0, 0, 0, 0)
	out = append(out, question[4:8]...)
	out = binary.LittleEndian.AppendUint32(out, opMsg)
	out = append(out, 0, 0, 0, 0, 0) // flags, and the kind of the section
	return append(out, raw...)
}

// firstHalf is an insert of only the first half of a message's documents, and how many
// these are.
func firstHalf(message []byte) (part []byte, n int) {
	_, docs := sections(message[20:])
	n = docs / 2
	part = slices.Clone(message[:20])
	for rest := message[20:]; len(rest) > 0; {
		size := int(binary.LittleEndian.Uint32(rest[1:]))
		section := rest[:1+size]
		rest = rest[1+size:]
		if section[0] == 0 {
			part = append(part, section...)
			continue
		}
		end := 5 + bytes.IndexByte(section[5:], 0) + 1
		for range n {
			end += int(binary.LittleEndian.Uint32(section[end:]))
		}
		at := len(part)
		part = append(part, section[:end]...)
		binary.LittleEndian.PutUint32(part[at+1:], uint32(end-1))
	}
	binary.LittleEndian.PutUint32(part, uint32(len(part)))
	return part, n
}

// A run that is repeated until it is recorded, as the appender does, is in the log once,
// in order, and online is what the log says, however the primaries change meanwhile.
func TestRecorder_Record_while_primaries_step_down(t *testing.T) {
	uri := mongotest.Start(t).URI // not that of a replica set, whose members the driver would find
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			e := &election{rand: rand.New(rand.NewPCG(seed, 0)), left: 10, kinds: make(map[string]int)}
			through := mongostore.Config{URI: "mongodb://" + elect(t, uri, e), Database: fmt.Sprint("seed", seed)}
			db := opened(t, through, mongostore.OpenPatiently)
			stream := events.Stream{Node: "n1", Epoch: 1}
			want := append([]events.Event{{ID: stream.At(0), Type: events.Opened, At: at, Process: "token"}}, lives(stream, 16, 20)...)
			for rest := want; len(rest) > 0; {
				record(t, db.Store(), rest[:min(20, len(rest))])
				rest = rest[min(20, len(rest)):]
			}
			t.Logf("stepped down %v", e.kinds)
			if e.left > 0 {
				t.Fatalf("%d times it did not step down", e.left)
			}
			sameLog(t, db.Store(), stream, want)
		})
	}
}

// lives are connections that come, half of a batch at a time; with the next batch every
// other one goes.
func lives(s events.Stream, batches, size int) (list []events.Event) {
	var open []events.Event
	next := func() events.Position { return s.At(uint64(len(list) + 1)) }
	for range batches {
		for i, o := range open {
			if i%2 == 0 {
				continue
			}
			list = append(list, events.Event{ID: next(), Type: events.Disconnected, At: at, User: o.User, Conn: o.ID, Reason: events.Client})
		}
		open = nil
		for range size / 2 {
			open = append(open, events.Event{ID: next(), Type: events.Connected, At: at, User: "42"})
			list = append(list, open[len(open)-1])
		}
	}
	return list
}

// record repeats as the appender does.
func record(t *testing.T, store presence.Store, run []events.Event) {
	t.Helper()
	for tries := 0; ; tries++ {
		n, err := store.Recorder.Record(t.Context(), run)
		if run = run[n:]; err == nil {
			return
		}
		if !errors.Is(err, events.ErrUnavailable) || tries == 100 {
			t.Fatalf("try %d: %v, want %v", tries, err, events.ErrUnavailable)
		}
	}
}

// sameLog fails unless the log of a stream has just these events, and online what they
// leave open.
func sameLog(t *testing.T, store presence.Store, s events.Stream, want []events.Event) {
	t.Helper()
	got, err := store.Log.Read(t.Context(), s.At(0), 2*len(want))
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("%d events, %v; want %d", len(got), err, len(want))
	}
	var fold events.Fold
	for _, e := range got {
		if err := fold.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	var open []events.Position
	for _, e := range fold.Open() {
		open = append(open, e.ID)
	}
	online, err := store.Online.OfStream(context.Background(), s.At(0), 1000)
	if err != nil {
		t.Fatal(err)
	}
	var ids []events.Position
	for _, c := range online {
		ids = append(ids, c.ID)
	}
	if !slices.Equal(ids, open) {
		t.Errorf("online has %d connections, want %d, or others", len(ids), len(open))
	}
}
