// Package server builds a server, runs it as a process of its own, and reads what the
// kernel knows of that process: memory and processor time. Linux only.
package server
