// Package sim holds a simulation of the membership of presence, and nothing else: it
// has tests only.
//
// A run is several nodes over one store. The nodes are the product's own Members, and
// all they do to the store passes through one driver, in the bubble of testing/synctest,
// where time is virtual. The driver waits until every goroutine of every node waits,
// for the store or for time. Then it chooses, by the seed, what happens next: an
// operation is executed, whole or in part, or its answer is given, or lost, or it comes
// late; or a node is started, paused, cut off, killed or shut down, a client comes or
// goes, the database fails over; or time passes. So a seed makes the same run each time.
//
//	go test ./services/presence/sim -run TestSim -seeds=100000 -from=1
//	go test ./services/presence/sim -run TestSim -seed=4711 -v
//
// The driver knows the truth: what is committed to the log, and which sockets there
// are. It holds the invariants I1 to I7 and I10 at every step at which they must hold,
// and at the end, when the trouble is over, that the log, online and the sockets say
// the same.
package sim
