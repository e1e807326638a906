package mongostore

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// OpenPatiently is Open, with operations that may take a minute: for tests that are not
// about time, against a server that scans, on a machine that may be busy.
func OpenPatiently(ctx context.Context, c Config, log *zap.Logger) (*DB, error) {
	return open(ctx, c, log, timeouts{control: time.Minute, data: time.Minute})
}
