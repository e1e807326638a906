// Package scenario is what the benchmark does to a server, and what it measures. Each
// scenario starts a server of its own, with an empty store, and stops it.
package scenario
