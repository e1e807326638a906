package gateway

import "time"

// instant is a moment of a loop's own monotonic clock, in milliseconds. It wraps
// after 49 days, so two of them are compared by since only, which is right while
// they are less than 24 days apart: every connection is looked at once a second.
type instant uint32

// since returns the time from u to t.
func (t instant) since(u instant) time.Duration {
	return time.Duration(int32(t-u)) * time.Millisecond
}
