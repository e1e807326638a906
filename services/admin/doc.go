// Package admin is the operator's HTTP API: who is online, and whether the service
// is well. It is served on an address of its own, loopback by default.
//
//	GET /online          users who are online, cluster-wide, from the projection, paged
//	GET /online?at=TIME  users who were online then, from the log, paged
//	GET /history/{user}  the sessions of a user, ?from=TIME&to=TIME, paged
//	GET /last-seen       when users were last seen, ?user=A&user=B
//	GET /events          the log after a cursor, paged; with ?follow=true a stream of lines
//	GET /nodes           the streams that have not ended, and their nodes' signs of life
//	GET /healthz         200 while the process runs
//	GET /metrics         counts of this node, for Prometheus
//	GET /readyz          200 while this node takes clients and can record them, else 503
//
// A TIME is RFC 3339 with its zone; answers are in UTC. Of each page, next is the after
// of the following one.
//
// Answers are JSON; an error has the shape of an error message on the socket. The
// handler is safe for concurrent use and keeps nothing; it only reads, so asking who
// is online changes nothing about it. It refuses to know sockets.
package admin
