// Package online reads who is online from a server's admin API, and shows it. It
// opens no WebSocket, so looking does not change what is seen.
//
// All of it runs on the caller's goroutine.
package online
