package presence

import "time"

// tally is how many are online, and of how many that is not known.
type tally struct{ online, unknown int }

func (t tally) plus(o tally) tally  { return tally{t.online + o.online, t.unknown + o.unknown} }
func (t tally) minus(o tally) tally { return tally{t.online - o.online, t.unknown - o.unknown} }

// asUser is what a user with so many connections counts for: who is online is not
// unknown.
func (t tally) asUser() tally {
	switch {
	case t.online > 0:
		return tally{online: 1}
	case t.unknown > 0:
		return tally{unknown: 1}
	}
	return tally{}
}

// gauge counts connections, and the users that they are of.
type gauge struct {
	connections, users tally
	of                 map[string]tally // the connections of each user who has any
}

func newGauge() gauge { return gauge{of: make(map[string]tally)} }

// add adds to the connections of a user.
func (g *gauge) add(user string, more tally) {
	was := g.of[user]
	is := was.plus(more)
	if is == (tally{}) {
		delete(g.of, user)
	} else {
		g.of[user] = is
	}
	g.connections = g.connections.plus(more)
	g.users = g.users.plus(is.asUser()).minus(was.asUser())
}

// point is what there is at an instant.
func (g *gauge) point(at time.Time) Point {
	level := func(t tally) Level {
		return Level{Online: t.online, Unknown: t.unknown, Least: t.online, Most: t.online}
	}
	return Point{At: at, Connections: level(g.connections), Users: level(g.users)}
}

// note takes note at a point of what there is at an instant after it.
func (g *gauge) note(p *Point) {
	p.Connections.note(g.connections.online)
	p.Users.note(g.users.online)
}

func (l *Level) note(online int) {
	l.Least, l.Most = min(l.Least, online), max(l.Most, online)
}
