package gateway

import (
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
)

const (
	opText = ws.OpText

	// readSize lets the largest message of the default limit be parsed where it was
	// read.
	readSize = 64<<10 + ws.MaxHeaderSize

	eventsPerTurn = 256
	pushesPerTurn = 128
)

// loop owns some of the server's connections, in one goroutine. A turn of it waits
// for events, serves them, and then does a bounded part of what is due anyway:
// letters, pushes, a look for silent connections. So nothing that one client does,
// and no push to many, holds up another for longer than a turn.
type loop struct {
	// static after construction
	*shared
	io    driver
	began time.Time
	mail  mailbox
	load  atomic.Int64 // sockets dealt to it that have not ended; the acceptor adds
	tally tally

	// owned by run
	now     instant
	table   table
	buf     []byte        // what is read, for all connections
	reply   []byte        // what the callbacks of one read send
	prefix  int           // bytes of reply that are no frames: the answer to an upgrade
	current *conn         // whose callbacks may call Send
	pong    []byte        // payload of the latest ping of one read
	pinged  bool          // pong is to be sent
	parting ws.StatusCode // the close code of the conversation that is about to end; 0: none
	rules   rules
	upgrade *upgrader
	spare   []*backlog
	letters []letter

	waiting struct{ first, last *conn } // handshakes, the oldest first

	tick    *push  // the latest broadcast that a walk was begun for
	pushing cursor // its walk
	looking cursor // the walk for silent connections
	looked  instant
	walked  instant // when that walk began
	ending  ending
}

// ending is how far a loop has come in going away.
type ending uint8

const (
	serving  ending = iota
	draining        // nobody is let in
	leaving         // all were told to leave; the loop stops when the last one left
)

func newLoop(s *shared, io driver) *loop {
	l := &loop{
		shared: s, io: io, began: time.Now(),
		buf: make([]byte, readSize),
		rules: rules{
			maxMessage:   s.cfg.MaxMessage,
			maxFragments: s.cfg.MaxFragments,
			maxHeld:      s.cfg.MaxInboundTotal / int64(s.cfg.Loops),
		},
		upgrade: newUpgrader(s.cfg.Handler, s.cfg.MaxHeader),
	}
	l.mail.ring = io.ring
	return l
}

// release ends the loop's driver. The mailbox is closed before.
func (l *loop) release() {
	l.mail.close()
	l.io.release()
}

// run serves until it is told to end, and ends all connections. The error is fatal
// for the server.
func (l *loop) run() error {
	defer l.release()
	defer l.tally.show()
	defer l.endAll()
	for l.ending != leaving || l.table.len() > 0 {
		if err := l.turn(); err != nil {
			return err
		}
	}
	return nil
}

// turn waits for events, serves them, and does a part of what is due anyway.
func (l *loop) turn() error {
	events, rung, err := l.io.wait(l.rest())
	if err != nil {
		return err
	}
	l.now = l.clock()
	if rung {
		l.answerBell()
	}
	for _, e := range events {
		l.serve(e)
	}
	l.push()
	l.look()
	l.tally.show()
	return nil
}

func (l *loop) clock() instant {
	return instant(time.Since(l.began).Milliseconds())
}

// rest returns how long to wait for events, in milliseconds.
func (l *loop) rest() int {
	switch {
	case l.pushing.left > 0:
		return 0
	case l.table.len() == 0:
		return -1
	}
	return int(max(0, l.untilLook(l.clock())).Milliseconds()) + 1
}

// untilLook is how long it is until the next part of the table is to be judged.
func (l *loop) untilLook(now instant) time.Duration {
	if l.looking.left > 0 {
		return l.round - now.since(l.looked)
	}
	return roundsPerLook*l.round - now.since(l.walked)
}

// serve handles one event.
func (l *loop) serve(e event) {
	c := l.table.at(e.slot, e.id)
	if c == nil {
		return // of a connection that ended earlier in this turn
	}
	if e.writable && c.out != nil {
		l.flush(c)
	}
	if e.readable && c.state != gone {
		l.read(c)
	}
}

// answerBell reads the letters and the latest push.
func (l *loop) answerBell() {
	// The latest push is looked at after the mailbox: a broadcast that came too late
	// to be seen here then found the bell silent and rang it again.
	letters := l.mail.take(l.letters)
	if p := l.latest.Load(); p != l.tick {
		if l.pushing.left > 0 {
			l.tell(l.tick) // it is at least this late
		} else {
			l.pushing.rotate()
		}
		l.tick = p
		l.pushing.start(&l.table)
	}
	for i := range letters {
		l.obey(&letters[i], i+1 < len(letters) && letters[i+1].kind == post && letters[i+1].conn == letters[i].conn)
	}
	clear(letters) // they keep connections and payloads in memory
	l.letters = letters[:0]
	if cap(letters) > maxSpareLetters {
		l.letters = nil
	}
}

// maxSpareLetters bounds the memory that a mailbox keeps after a burst.
const maxSpareLetters = 1 << 12

// push writes the latest broadcast to the next few clients. A client that has not
// read what it was sent before is skipped, and so is one whose socket is full.
func (l *loop) push() {
	if l.pushing.left == 0 {
		return
	}
	var written, skipped int64
	n := pushesPerTurn
	for c := l.pushing.next(&l.table, &n); c != nil; c = l.pushing.next(&l.table, &n) {
		switch {
		case !c.state.isOpen():
		case c.out == nil && l.write(c, l.tick.frame, 0, latestWins):
			written++
		default:
			skipped++
		}
	}
	l.pushed.Add(written)
	l.skipped.Add(skipped)
	if l.pushing.left == 0 {
		l.tell(l.tick)
	}
}

// tell says how far a push is: one look at the clock for all clients of the loop.
func (l *loop) tell(p *push) {
	if l.cfg.Pushed != nil {
		l.cfg.Pushed(p.began)
	}
}

// look judges the next part of the table, and the oldest handshakes.
func (l *loop) look() {
	if l.untilLook(l.now) > 0 {
		return
	}
	l.looked = l.now
	for c := l.waiting.first; c != nil && l.now.since(c.shake.began) >= l.cfg.HandshakeTimeout; c = l.waiting.first {
		l.late(c)
	}
	if l.looking.left == 0 {
		l.walked = l.now
		l.looking.start(&l.table)
	}
	n := max(len(l.table.slots)/roundsPerLook+1, leastPart)
	for c := l.looking.next(&l.table, &n); c != nil; c = l.looking.next(&l.table, &n) {
		l.judge(c)
	}
}

func (l *loop) judge(c *conn) {
	switch l.patience.judge(c.state, c.heard, c.mark, l.now, c.id) {
	case sendPing:
		c.state, c.mark = asked, l.now
		l.write(c, pingFrame, 0, mustArrive)
	case giveUp:
		// If it was this loop that was held up, the sign of life lies in the socket.
		if l.read(c); c.state == asked {
			l.abandon(c, codeTimeout, "no sign of life")
			l.end(c, ByTimeout)
		}
	case cutOff:
		l.end(c, ByTimeout)
	case leaveAlone:
	}
}

var pingFrame = appendFrame(nil, ws.OpPing, nil)
