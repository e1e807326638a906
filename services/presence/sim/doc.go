// Package sim holds a simulation of the membership of presence, and nothing else: it
// has tests only.
//
// A run is several nodes over one store. The nodes are the product's own Members, and
// all they do to the store passes through one driver, in the bubble of testing/synctest,
// where time is virtual. The driver waits until every goroutine of every node waits,
// for the store or for time. Then it chooses, by the seed, what happens next: an
// operation is executed, whole or in part, or its answer is given, or lost, or it comes
// late; or a node is started, paused, cut off, killed or shut down, a second process
// takes its node id, a peer seals it by mistake, a clock is set, a snapshot is written, a
// client comes or goes, the database fails over, refuses writes or is away; or time
// passes. So a seed makes the same run each time. Which kinds of trouble there are, and
// how much, is drawn from the seed too.
//
//	go test ./services/presence/sim -run 'TestSim$' -seeds=100000 -from=1
//	go test ./services/presence/sim -run 'TestSim$' -seed=4711 -v
//	go test ./services/presence/sim -run TestSim_SmallPages -seeds=100000 -from=1
//	go test ./services/presence/sim -run TestMutants -mutants -v
//
// # What is held
//
// The driver knows the truth: what is committed to the log, and which sockets there
// are. It holds I1 to I5, I7, I8 and I10 at each write and each welcome, and when the
// trouble is over I6: the log, online and the sockets say the same, within two minutes,
// and what is dead has ended. One run in eight is calm: nothing is wrong but one crash
// and the clocks. In it nobody is taken over who lives, the dead is gone from online
// within 20 s, and reconcile and sweep find nothing. Half of the runs have no reconciliation, and in these no write executes
// after its caller gave up.
//
// Wall clocks: in half of the runs each process and the database, which stamps the
// beats, have a clock that is wrong by up to ten minutes, and in most of these they are
// set forward and back. Time never falls in a stream for all that, nobody is taken over
// sooner or later, and a lost node was last seen between its last event and its seal.
//
// Failover: in one run in three a write is executed by a primary first, and committed
// later, while all reads see what is committed. A failover rolls back what is not. No
// write is acknowledged before it is committed, which is held at each acknowledgement,
// so none that was acknowledged is ever lost.
//
// Snapshots: half of the runs have them. They are written and read with the same faults
// as all else, of streams that are sealed meanwhile too, and among them are some that
// have a part only or are of an unknown version. Each says what the events say (I8), and
// a takeover begins at one of them, or at the beginning of the stream.
//
// Long streams: TestSim_SmallPages makes the same runs with a product whose batches and
// pages have three events, and its chunks of a snapshot two connections.
//
// # What is not
//
// A node that is paused stands still at its next operation, not in the middle of a
// computation. Monotonic clocks all run at one rate. History and retention have tests of
// their own, and so no stream has lost its beginning.
//
// # What it has found
//
// Each of these is a mutant too, so that the simulation is held to find it again, and
// has a test of its own in package presence.
//
//	bug                                                        seed  test
//	a first start on an empty store, after one failed read,      10  TestMember_Ready_AfterAnAnswerThatIsAnError
//	left the node not ready for ever
//	a node that was fenced while it could not record was not    135  TestMember_Ready_AfterAFence
//	ready in its next epoch until there was something to record
//	of two processes with one id that start after a crash, the  536  TestMember_Start_WhileAnotherStarts
//	one that came second watched the dead epoch, and then took
//	over the first one's, which it had not watched
//	a lost node was last seen after its seal, or before its      27  TestMember_TakeOver_ClocksThatDiffer
//	last event, as the clocks of database, owner and peer differ
//	who left while reconcile looked at online was counted,     1563  TestMember_Reconcile_churn
//	and warned of, as a ghost
//	so was a stream that ended while the sweep looked          1024  TestMember_Sweep_WhileAStreamEnds
package sim
