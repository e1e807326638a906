package load

import (
	"context"
	"time"
)

// Wait waits for d, or until ctx ends; then it returns the error of ctx.
func Wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Milliseconds is d as results have it.
func Milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }
