package witness

import "time"

// Fault is what was done to a node.
type Fault struct {
	Node  string
	Stood bool // it was paused, or cut off from the store; else it was killed
	From  time.Time
	To    time.Time // when it went on, or served again; zero: not yet
}

// during reports whether the fault was there at some moment between two times.
func (f *Fault) during(from, to time.Time) bool {
	return !f.From.After(to) && (f.To.IsZero() || !f.To.Before(from))
}

// Bounds are for how long the service may be wrong, as it promises.
type Bounds struct {
	Close  time.Duration // a client has closed its socket
	Silent time.Duration // a client's process is stopped, or its machine gone
	Death  time.Duration // a node has died or stands still, and another lives
	Rejoin time.Duration // a node goes on that stood still for longer than its lease: its clients are online again
}

// Answer is what a node answered when it was asked who is online.
type Answer struct {
	Asked, Answered time.Time
	Online          map[string]int // connections of each user
}

// Lie is one user of one answer, outside of the bounds.
type Lie struct {
	At    time.Time
	User  string
	Node  string // that the user is, or was last, connected to; "" if there was none
	Ghost bool   // else missing
}

// LieSeconds is for how long, added up over all users, answers were not true.
type LieSeconds struct {
	Ghost   Split // who is not connected is said to be online
	Missing Split // who is connected, and was welcomed, is not said to be online
}

// Split is a time, by whether the service promises no better.
type Split struct{ Inside, Outside time.Duration }

func (s *Split) add(d time.Duration, inside bool) {
	if inside {
		s.Inside += d
	} else {
		s.Outside += d
	}
}

// Lies adds up the lies of answers, ascending by time. A user is counted in a lie only
// if no moment between question and answer makes it true. Each answer counts for the
// time since the question before it. Those outside of the bounds are told one by one.
func Lies(answers []Answer, seen []Sighting, faults []Fault, b Bounds) (LieSeconds, []Lie) {
	users := make(map[string][]*Sighting)
	for i := range seen {
		users[seen[i].User] = append(users[seen[i].User], &seen[i])
	}
	var sum LieSeconds
	var outside []Lie
	for i := 1; i < len(answers); i++ {
		a := &answers[i]
		weight := a.Asked.Sub(answers[i-1].Asked)
		for user, sockets := range users {
			isGhost := a.Online[user] > 0
			judge, total := b.missing, &sum.Missing
			if isGhost {
				judge, total = b.ghost, &sum.Ghost
			}
			if lie, excused := judge(a, sockets, faults); lie {
				total.add(weight, excused)
				if !excused {
					outside = append(outside, Lie{a.Asked, user, sockets[len(sockets)-1].Node, isGhost})
				}
			}
		}
		for user := range a.Online {
			if users[user] == nil {
				sum.Ghost.add(weight, false)
				outside = append(outside, Lie{a.Asked, user, "", true})
			}
		}
	}
	return sum, outside
}

// ghost judges the answer that a user is online.
func (b Bounds) ghost(a *Answer, sockets []*Sighting, faults []Fault) (ghost, excused bool) {
	for _, s := range sockets {
		if s.mayBeOnline(a.Asked, a.Answered) {
			return false, false
		}
		excused = excused || s.Gone().Before(a.Asked) && b.mayLinger(s, a.Asked, faults)
	}
	return true, excused
}

// mayLinger reports whether a connection that has ended may still be online at a time.
func (b Bounds) mayLinger(s *Sighting, at time.Time, faults []Fault) bool {
	gone := s.Gone()
	patience := b.Close
	if s.Silent {
		patience = b.Silent
	}
	if at.Sub(gone) <= patience {
		return true
	}
	for i := range faults {
		f := &faults[i]
		if f.Node != s.Node || !f.during(gone.Add(-patience), gone.Add(patience)) {
			continue
		}
		began := f.From
		if gone.After(began) {
			began = gone
		}
		// What reached a node that stood still is heard by it when it goes on.
		late := f.Stood && !f.To.IsZero() && !at.Before(f.To) && at.Sub(f.To) <= b.Rejoin+patience
		if at.Sub(began) <= max(b.Death, patience) || late {
			return true
		}
	}
	return false
}

// missing judges the answer that a user is not online.
func (b Bounds) missing(a *Answer, sockets []*Sighting, faults []Fault) (missing, excused bool) {
	excused = true
	for _, s := range sockets {
		if s.isOnline(a.Asked, a.Answered) {
			missing = true
			excused = excused && b.mayBeMissing(s, a.Asked, faults)
		}
	}
	return missing, excused
}

// mayBeMissing reports whether a connection that lives may not be online at a time: its
// node stands still, or did a moment ago.
func (b Bounds) mayBeMissing(s *Sighting, at time.Time, faults []Fault) bool {
	for i := range faults {
		f := &faults[i]
		if f.Node == s.Node && f.Stood && f.during(at.Add(-b.Rejoin), at) {
			return true
		}
	}
	return false
}
