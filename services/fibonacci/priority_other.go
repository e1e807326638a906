//go:build !linux

package fibonacci

// lowerPriority does nothing: elsewhere a thread has no nice value of its own.
func lowerPriority(int) {}
