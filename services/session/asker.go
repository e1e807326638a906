package session

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/presenced/presence/services/complaint"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/protocol"
)

// The bounds of who commands.
const (
	maxAsking    = 4    // that the store answers at a time
	maxQuestions = 4    // of one connection that wait while one is asked; over it: busy
	maxWaiting   = 4096 // that wait, of all connections; over it: busy

	// askTimeout is how long the store may take for one.
	askTimeout = 5 * time.Second

	// askCalm is for how long the store must have failed none until it is said to work again.
	askCalm = time.Minute
)

// Users answers who is online; presence.Online does.
type Users interface {
	Users(ctx context.Context, q presence.UserQuery) (presence.UserPage, error)
}

// Asker asks the store who is online, beside the event loops, for connections in turn. It
// has goroutines only while there is something to ask. It is safe for concurrent use.
type Asker struct {
	// static after NewAsker
	users  Users
	log    *zap.Logger
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	asking sync.WaitGroup

	failing complaint.Once // that the store does not answer

	mu      sync.Mutex
	turn    []*line // those with a question and none that is being asked, who waited longest first
	running int     // goroutines
	waiting int     // questions
	closed  bool
}

// line is what one connection asks.
type line struct {
	// static after construction
	asker  *Asker
	socket Socket
	counts *shard

	// guarded by asker.mu
	queue []question // those that wait
	busy  bool       // one is being asked
	gone  bool
}

type question struct {
	id    []byte // of the command
	query presence.UserQuery
}

// NewAsker returns an asker of users. Close ends it.
func NewAsker(users Users, log *zap.Logger) *Asker {
	ctx, cancel := context.WithCancel(context.Background())
	return &Asker{users: users, log: log, ctx: ctx, cancel: cancel, failing: complaint.Once{Calm: askCalm}}
}

// Close drops what waits, gives up what is being asked, and waits for that.
func (a *Asker) Close() {
	a.mu.Lock()
	a.closed, a.turn = true, nil
	a.mu.Unlock()
	a.cancel()
	a.asking.Wait()
}

var (
	errAsksTooMuch = errors.New("too many who commands are waiting")
	errNoAsker     = errors.New("nothing is asked any more")
)

// ask puts a question into the line. The answer is posted to the line's socket.
func (l *line) ask(q question) error {
	a := l.asker
	a.mu.Lock()
	defer a.mu.Unlock()
	room := maxQuestions
	if !l.busy {
		room++ // the first counts as one that is asked, however soon that is
	}
	switch {
	case a.closed || l.gone:
		return errNoAsker
	case len(l.queue) >= room || a.waiting >= maxWaiting:
		return errAsksTooMuch
	}
	l.queue = append(l.queue, q)
	a.waiting++
	if len(l.queue) == 1 && !l.busy {
		a.lineUp(l)
	}
	return nil
}

// lineUp puts a line last in turn. It needs mu.
func (a *Asker) lineUp(l *line) {
	a.turn = append(a.turn, l)
	if a.running < maxAsking {
		a.running++
		a.asking.Go(a.work)
	}
}

// leave drops what waits in the line. What is being asked is answered to nobody.
func (l *line) leave() {
	a := l.asker
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting -= len(l.queue)
	l.queue, l.gone = nil, true
	// Or a line of those who have left would grow while the store is slow.
	a.turn = slices.DeleteFunc(a.turn, func(other *line) bool { return other == l })
}

// work asks until there is nothing to ask.
func (a *Asker) work() {
	for {
		l, q, more := a.next()
		if !more {
			return
		}
		l.socket.Post(a.answer(l, q))
		a.done(l)
	}
}

// next takes the question that is next in turn.
func (a *Asker) next() (l *line, q question, more bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.turn) == 0 {
		a.turn = nil
		a.running--
		return nil, question{}, false
	}
	l, a.turn = a.turn[0], a.turn[1:]
	q = l.queue[0]
	l.queue, l.busy = l.queue[1:], true
	a.waiting--
	return l, q, true
}

func (a *Asker) done(l *line) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l.busy = false; len(l.queue) > 0 && !a.closed {
		a.turn = append(a.turn, l)
	}
}

// answer asks the store.
func (a *Asker) answer(l *line, q question) []byte {
	ctx, cancel := context.WithTimeout(a.ctx, askTimeout)
	defer cancel()
	page, err := a.users.Users(ctx, q.query)
	a.note(err)
	if err != nil {
		l.counts.refuse(protocol.Internal)
		return protocol.AppendError(nil, &protocol.Error{ID: q.id, Code: protocol.Internal,
			Message: "the store does not answer; send this one again later"})
	}
	answer := protocol.WhoPage{Users: make([]protocol.Present, 0, len(page.Users)), Next: page.Next, Total: page.Total}
	for _, u := range page.Users {
		answer.Users = append(answer.Users, protocol.Present{User: u.User, Since: u.Since, Connections: u.Connections})
	}
	const each = 80 // bytes, more or less
	return protocol.AppendWho(make([]byte, 0, 64+each*len(page.Users)), q.id, answer)
}

// note says when the store begins to fail, and when it works again.
func (a *Asker) note(err error) {
	switch {
	case a.ctx.Err() != nil:
	case err != nil:
		a.failing.Fails(a.log, "clients cannot be told who is online", err)
	default:
		a.failing.Works(a.log, "clients can be told again who is online")
	}
}
