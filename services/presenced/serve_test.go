package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/mongostore/mongotest"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

func mongoBackend(t *testing.T) backend {
	return backend{storeMongoDB, []string{"--mongodb-uri", mongotest.URI(t), "--db-database", mongotest.Database(t)}}
}

// onEveryStore runs a test on the embedded store and on MongoDB.
func onEveryStore(t *testing.T, test func(*testing.T, backend)) {
	t.Run(storeEmbedded, func(t *testing.T) { test(t, embeddedBackend(t)) })
	t.Run(storeMongoDB, func(t *testing.T) { test(t, mongoBackend(t)) })
}

// The main job: many clients, each welcomed once it is recorded and told the time
// each second; who is online is in the database; all of it is in the log afterwards.
func TestServe_MainJob(t *testing.T) { onEveryStore(t, mainJob) }

func mainJob(t *testing.T, b backend) {
	tg := start(t, b)
	const users, each = 40, 3
	var clients []*client
	want := make(map[string]int)
	for i := range users * each {
		user := fmt.Sprintf("user %d", i%users)
		clients = append(clients, dial(t, tg, user))
		want[user]++
	}
	if got := tg.online(t); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("online %v, want %v", got, want)
	}
	seen := make(map[string]bool)
	for _, c := range clients {
		if id := c.welcome.Connection; seen[id] || c.welcome.Node != "n1" {
			t.Errorf("welcome %+v", c.welcome)
		}
		seen[c.welcome.Connection] = true
		checkTime(t, receive(t, c.times, "the time"))
	}
	for _, c := range clients[:users] {
		_ = c.conn.Close()
	}
	for user := range want {
		want[user]--
	}
	eventually(t, "those who left are not online", func() bool { return fmt.Sprint(tg.online(t)) == fmt.Sprint(want) })

	if code := tg.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	for _, c := range clients[users:] {
		if code := receive(t, c.closed, "the close"); code != ws.StatusCode(protocol.CloseRestart) {
			t.Errorf("closed with %d, want %d", code, protocol.CloseRestart)
		}
	}
	r := verified(t, b)
	if wantEvents := uint64(1 + 2*users*each + 1); r.Open != 0 || r.Events != wantEvents {
		t.Errorf("%d events, %d open; want %d, 0", r.Events, r.Open, wantEvents)
	}
	reasons(t, b, map[events.Reason]int{events.Client: users, events.Shutdown: users*(each-1) + 1})
}

// checkTime holds that a time message tells the time, twice. It is a whole second
// unless the machine is so busy that the push was late.
func checkTime(t *testing.T, m protocol.Message) {
	t.Helper()
	if m.Time.UnixMilli() != m.UnixMs || time.Since(m.Time) > patience {
		t.Errorf("time message %+v", m)
	}
}

// reasons counts the reasons in the first stream of n1.
func reasons(t *testing.T, b backend, want map[events.Reason]int) {
	t.Helper()
	all, err := b.open(t).Log.Read(t.Context(), events.Stream{Node: "n1", Epoch: 1}.At(0), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[events.Reason]int)
	for _, e := range all {
		if e.Reason != 0 {
			got[e.Reason]++
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("reasons %v, want %v", got, want)
	}
}

// The time comes again and again, and no second twice.
func TestServe_TimeEachSecond(t *testing.T) {
	tg := start(t, embeddedBackend(t))
	c := dial(t, tg, "ana")
	last := receive(t, c.times, "the time")
	for range 3 {
		next := receive(t, c.times, "the time")
		checkTime(t, next)
		if next.UnixMs/1000 <= last.UnixMs/1000 {
			t.Errorf("%d follows %d", next.UnixMs, last.UnixMs)
		}
		last = next
	}
}

// An answer goes to the client that asked, and to no other.
func TestServe_Fibonacci(t *testing.T) {
	tg := start(t, embeddedBackend(t))
	asker, other, twin := dial(t, tg, "asker"), dial(t, tg, "other"), dial(t, tg, "asker")
	for text, want := range map[string]string{
		`{"type":"fibonacci","n":93}`:                         "12200160415121876738",
		`{"type":"fibonacci","n":94}`:                         "19740274219868223167",
		`{"type":"fibonacci","n":94,"algorithm":"matrix"}`:    "19740274219868223167",
		`{"type":"fibonacci","n":94,"algorithm":"iterative"}`: "19740274219868223167",
		`42`: "267914296",
		`0`:  "0",
	} {
		if m := asker.ask(t, text); m.Type != protocol.TypeFibonacci || m.Value != want {
			t.Errorf("%s: %+v", text, m)
		}
	}
	if m := asker.ask(t, `{"type":"sequence","id":7,"n":5}`); fmt.Sprint(m.Values) != "[0 1 1 2 3]" || fmt.Sprint(m.ID) != "7" {
		t.Errorf("sequence: %+v", m)
	}
	// In flight at once, and told apart by their ids.
	const several = 8
	for i := range several {
		asker.say(t, fmt.Sprintf(`{"type":"fibonacci","id":"a%d","n":%d}`, i, 100+i))
	}
	ids := make(map[any]bool)
	for range several {
		ids[receive(t, asker.messages, "an answer").ID] = true
	}
	if len(ids) != several {
		t.Errorf("answers to %v", ids)
	}
	for name, c := range map[string]*client{"other user": other, "same user": twin} {
		if m := c.ask(t, `{"type":"ping","id":"last"}`); m.Type != protocol.TypePong {
			t.Errorf("%s got %+v, which it did not ask for", name, m)
		}
	}
}

// Bad input gets an error with the right code, and the connection goes on.
func TestServe_BadInput(t *testing.T) {
	tg := start(t, embeddedBackend(t))
	c := dial(t, tg, "ana")
	for text, want := range map[string]protocol.Code{
		`{"type":"fibonacci","n":-1}`:                    protocol.OutOfRange,
		`{"type":"fibonacci","n":100001}`:                protocol.OutOfRange,
		`{"type":"fibonacci","n":1e999}`:                 protocol.BadRequest,
		`{"type":"fibonacci","n":1.5}`:                   protocol.BadRequest,
		`{"type":"fibonacci","n":"7"}`:                   protocol.BadRequest,
		`{"type":"fibonacci","n":99999999999999999999}`:  protocol.OutOfRange,
		`{"type":"fibonacci"}`:                           protocol.BadRequest,
		`{"type":"fibonacci","n":7,"algorithm":"guess"}`: protocol.BadRequest,
		`{"type":"sequence","n":1001}`:                   protocol.OutOfRange,
		`{"type":"launch"}`:                              protocol.UnknownType,
		`{"type":{"$gt":""}}`:                            protocol.BadRequest,
		`hello`:                                          protocol.BadRequest,
		`-3`:                                             protocol.OutOfRange,
		``:                                               protocol.BadRequest,
	} {
		if m := c.ask(t, text); m.Type != protocol.TypeError || m.Code != want || m.Text == "" {
			t.Errorf("%q: %+v, want %s", text, m, want)
		}
	}
	if m := c.ask(t, "10"); m.Value != "55" {
		t.Errorf("after all that: %+v", m)
	}
}

// A client that asks for more than it may is told so, and gets the rest.
func TestServe_Busy(t *testing.T) {
	tg := start(t, embeddedBackend(t), "--fib-max", "1000000", "--fib-workers", "1")
	c := dial(t, tg, "greedy")
	const asked = 40
	for i := range asked {
		c.say(t, fmt.Sprintf(`{"type":"fibonacci","id":%d,"n":200000}`, i))
	}
	answers := make(map[string]int)
	for range asked {
		m := receive(t, c.messages, "an answer")
		if m.Type == protocol.TypeError && (m.Code != protocol.Busy || !m.Retryable) {
			t.Errorf("error %+v", m)
		}
		answers[m.Type]++
	}
	if answers[protocol.TypeFibonacci] < 9 || answers[protocol.TypeError] == 0 {
		t.Errorf("answers %v, want at least 1 that ran and 8 that waited, and the rest busy", answers)
	}
}

// A flood of commands is answered up to the rate, and the rest is refused; the
// connection stays.
func TestServe_CommandRate(t *testing.T) {
	tg := start(t, embeddedBackend(t), "--command-rate", "1")
	c := dial(t, tg, "hasty")
	const asked = 100
	for i := range asked {
		c.say(t, fmt.Sprintf(`{"type":"ping","id":%d}`, i))
	}
	answers := make(map[string]int)
	for range asked {
		m := receive(t, c.messages, "an answer")
		if m.Type == protocol.TypeError && (m.Code != protocol.RateLimited || !m.Retryable) {
			t.Errorf("error %+v", m)
		}
		answers[m.Type]++
	}
	if answers[protocol.TypePong] < 2 || answers[protocol.TypeError] == 0 || len(answers) != 2 {
		t.Errorf("answers %v, want at least 2 that were in time, and the rest refused", answers)
	}
	receive(t, c.times, "the time")
}

// A request that says nothing of its user is told what to add.
func TestServe_Refuses(t *testing.T) {
	tg := start(t, embeddedBackend(t))
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/ws":          {400, "?user="},
		"/?user=%00":   {400, "control"},
		"/chat?user=a": {404, "/ws"},
	} {
		_, _, _, err := ws.Dial(t.Context(), tg.ws+path)
		var status ws.StatusError
		if !errors.As(err, &status) || int(status) != want.status {
			t.Errorf("%s: %v, want %d", path, err, want.status)
		}
	}
	if got := tg.online(t); len(got) != 0 {
		t.Errorf("online %v", got)
	}
}

// After kill -9 the next start ends the older epoch first, and leaves no ghost.
func TestServe_AfterKill(t *testing.T) { onEveryStore(t, afterKill) }

func afterKill(t *testing.T, b backend) {
	tg, process := child(t, b)
	const users = 25
	for i := range users {
		dial(t, tg, fmt.Sprint("user ", i))
	}
	left := dial(t, tg, "left")
	_ = left.conn.Close()
	eventually(t, "one has left", func() bool { return len(tg.online(t)) == users })
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	tg.stop()

	again := start(t, b)
	if got := again.online(t); len(got) != 0 {
		t.Errorf("ghosts: %v", got)
	}
	back := dial(t, again, "user 1")
	if want := "n1/00000002/0000000000000001"; back.welcome.Connection != want {
		t.Errorf("connection %s, want %s", back.welcome.Connection, want)
	}
	timelineAfterKill(t, again, users)
	if code := again.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	verified(t, b)
	reasons(t, b, map[events.Reason]int{events.Client: 1, events.NodeLost: users + 1})
}

// timelineAfterKill holds what is said of a node that was killed, and of the one that it
// came back as: those who were there are unknown from its last beat on, and nobody is twice.
func timelineAfterKill(t *testing.T, tg *target, users int) {
	t.Helper()
	var line struct {
		Points []struct {
			Users, Connections struct{ Online, Unknown, Most int }
		}
		Marks []struct {
			Kind        string
			At          time.Time
			LastSeen    time.Time
			Connections int
		}
	}
	tg.get(t, "/timeline?last=1h&points=2", &line)
	if len(line.Points) != 2 || len(line.Marks) != 3 {
		t.Fatalf("timeline %+v", line)
	}
	began, ends := line.Points[0], line.Points[1]
	if began.Users.Most < users || began.Users.Most > users+1 || ends.Users.Online != 1 || ends.Connections.Online != 1 || ends.Users.Unknown != 0 {
		t.Errorf("timeline %+v", line.Points)
	}
	kinds := make(map[string]int)
	for _, m := range line.Marks {
		kinds[m.Kind]++
		if m.Kind == "lost" && (m.Connections != users || m.LastSeen.IsZero() || m.At.Before(m.LastSeen)) {
			t.Errorf("mark %+v", m)
		}
	}
	if kinds["lost"] != 1 || kinds["started"] != 2 {
		t.Errorf("marks %+v", line.Marks)
	}
}

// Two processes on one data directory, and two with one node id on one database: the
// second gives way and says why.
func TestServe_SecondProcess(t *testing.T) {
	t.Run(storeEmbedded, func(t *testing.T) {
		b := embeddedBackend(t)
		start(t, b)
		code, text := fails(t, b.args()...)
		if code != exitStore || !strings.Contains(text, "DATA_DIR") {
			t.Errorf("exit code %d: %s", code, text)
		}
	})
	t.Run(storeMongoDB, func(t *testing.T) {
		b := mongoBackend(t)
		first := start(t, b)
		code, text := fails(t, b.args()...)
		if code != exitDuplicate || !strings.Contains(text, "NODE_ID") || !strings.Contains(text, presence.ErrDuplicateNode.Error()) {
			t.Errorf("exit code %d: %s", code, text)
		}
		if c := dial(t, first, "ana"); c.welcome.Type == "" {
			t.Error("the first one does not serve any more")
		}
	})
}

// fails runs presenced with arguments that end it, and returns what it ends with.
func fails(t *testing.T, args ...string) (exitCode, string) {
	t.Helper()
	var out, log logged
	code := run(t.Context(), environment{args: args, lookup: noVariables, stdout: &out, stderr: &log})
	return code, log.String()
}
