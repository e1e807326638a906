// Package webhook posts who comes and who goes, of the whole cluster, to a URL: in batches
// that are signed, one after the other, each repeated until the receiver takes it.
//
// A batch is the difference of two known states: what the receiver was told so far, and
// what the log says. What it was told is kept in the store, as a presence.Hook, and each
// batch is written into that before it is posted. So whatever crashes, the next to post
// knows what was told, to the user and to the byte: nothing is lost, and what comes twice
// comes with the same id. For each user joins and leaves alternate.
//
// It keeps
//
//	W1 what is posted was saved before, and nothing else is saved until it was taken, but
//	   by presence.Forget, after which nothing is known but the number;
//	W2 the receiver was told, once it has the pending delivery, that those users are online
//	   who have an open connection in the log up to Hook.Position, but for Hook.Odd, of
//	   whom it was told the opposite;
//	W3 one node saves: the next revision is who comes first's.
//
// # Concurrency
//
// Poster.Run is one goroutine, and while it posts or reads, one more. Of the nodes of a
// cluster one posts, the leader; the others look every 2 s whether it still beats, and one
// of them takes its place when it has not for 10 s. A leader that cannot show that it
// lives stops before. Two may post the same delivery for a moment, never different ones, unless
// presence.Forget has dropped what the first posts; that has the smaller number then.
//
// # A receiver that is slow or away
//
// makes nothing grow: while a delivery waits, the log is not read on. What it has missed
// then is told as one difference, in which who came and went is not; and if that is of
// more than 50,000 users, it is told all anew, a resync.
//
// # What it refuses to know
//
// Sockets, commands, and what the receiver does.
package webhook
