package gateway

import (
	"time"

	"go.uber.org/zap"
)

// shortageRest is how long the listeners rest when the process, or the system, has no
// file descriptor or memory left.
const shortageRest = 100 * time.Millisecond

// shortage remembers that one is logged.
type shortage bool

// tell logs the beginning and the end of a shortage: err is why nothing could be
// accepted, or nil.
func (s *shortage) tell(log *zap.Logger, err error) {
	switch {
	case err != nil && !bool(*s):
		*s = true
		log.Warn("cannot accept: no file descriptors or memory left; trying again", zap.Error(err))
	case err == nil && bool(*s):
		*s = false
		log.Info("accepting again")
	}
}
