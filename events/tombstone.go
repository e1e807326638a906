package events

import "strings"

// A tombstone stands in events where a user was who is forgotten: a prefix, and a random
// text that was made up for it and derives from nothing. It is a user id in every other
// respect, so that a stream with it is read, counted and folded as before.
const (
	tombstonePrefix = "forgotten-"
	tombstoneRandom = 26 // characters: 130 bits
	tombstoneDigits = "abcdefghijklmnopqrstuvwxyz234567"
)

// Tombstone is the tombstone of a random text of 26 letters and digits from 2 to 7, such
// as crypto/rand.Text returns.
func Tombstone(random string) string { return tombstonePrefix + strings.ToLower(random) }

// IsTombstone reports whether a user id is a tombstone.
func IsTombstone(user string) bool {
	random, found := strings.CutPrefix(user, tombstonePrefix)
	return found && len(random) == tombstoneRandom && strings.Trim(random, tombstoneDigits) == ""
}

// sameUser reports whether two events of one connection name the same user. While a user
// is being forgotten they may not: one of them has the tombstone already.
func sameUser(a, b string) bool { return a == b || IsTombstone(a) || IsTombstone(b) }

// StandsFor reports whether e, which the log has, is the event that mine was when it was
// written: it is the same, but its user, and with it the remote and the agent, may have
// been forgotten meanwhile, in one of the two or in both.
func (e Event) StandsFor(mine Event) bool {
	if IsTombstone(e.User) || IsTombstone(mine.User) {
		mine.User, mine.Remote, mine.Agent = e.User, e.Remote, e.Agent
	}
	return e == mine
}
