// Package admin is the operator's HTTP API: who is online, whether the service is well,
// and the two things that an operator may ask for. It is served on an address of its own,
// loopback by default; openapi.yaml describes it, and package openapi holds it to that.
//
//	GET /                the operators' page, if there is one
//	GET /online          users who are online, cluster-wide, from the projection, paged
//	GET /online?at=TIME  users who were online then, from the log, paged
//	GET /online/{user}   the connections of a user, paged
//	GET /history/{user}  the sessions of a user, ?from=TIME&to=TIME, paged
//	GET /last-seen       when users were last seen, ?user=A&user=B
//	GET /timeline        how many were online in the course of time, and when nodes came and went
//	GET /events          the log after a cursor, paged; with ?follow=true a stream of lines
//	GET /nodes           the streams that have not ended, and their nodes' signs of life
//	GET /stats           counts of this node and of the cluster
//	POST /kick           close the connections of a user, or one, on whatever node
//	POST /verify         fold the log and compare it with online: a stream of lines
//	GET /openapi.yaml    the API, for programs
//	GET /debug/pprof/    profiles of the Go runtime
//	GET /healthz         200 while the process runs
//	GET /metrics         counts of this node, for Prometheus
//	GET /readyz          200 while this node takes clients and can record them, else 503
//
// A TIME is RFC 3339 with its zone; answers are in UTC. Of each page, next is the after
// of the following one.
//
// Answers are JSON; an error has the shape of an error message on the socket. Who may
// ask, guard says. The handler is safe for concurrent use and keeps nothing; but for a
// kick it only reads, so asking who is online changes nothing about it. It refuses to
// know sockets: to kick is to ask package presence.
package admin
