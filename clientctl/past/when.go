package past

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseTime reads a time as people write it, as seen at now and in its location:
// RFC 3339; "15:04" or "15:04:05", today; "2006-01-02", "2006-01-02 15:04" or with
// seconds; or how long ago it was: "-2h", "-90m", "-3d".
func ParseTime(text string, now time.Time) (time.Time, error) {
	if ago, ok := strings.CutPrefix(text, "-"); ok {
		if d, ok := parseSpan(ago); ok {
			return now.Add(-d), nil
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{time.TimeOnly, "15:04"} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			y, m, d := now.Date()
			return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, now.Location()), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: want 15:04, \"2006-01-02 15:04\", -2h, -3d, or RFC 3339 such as 2026-11-23T10:00:00Z", text)
}

// maxDays is how many days ago something may be: more than there are since 1970.
const maxDays = 36_500

func parseSpan(text string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 32)
		return time.Duration(n) * 24 * time.Hour, err == nil && n <= maxDays
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}
