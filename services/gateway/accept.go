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

// crowdedEvery is how often it is said, at most, that there are too many connections: at
// the brink each that comes would be news.
const crowdedEvery = time.Minute

// countCrowded counts a connection that was one too many.
func (s *shared) countCrowded() {
	refused := s.crowded.Add(1)
	now, told := time.Now().UnixNano(), s.toldCrowded.Load()
	if (now < told || now-told >= int64(crowdedEvery)) && s.toldCrowded.CompareAndSwap(told, now) {
		s.cfg.Log.Warn("connections are refused: there are as many as there may be",
			zap.Int("limit", s.cfg.MaxConns), zap.Int64("refused so far", refused))
	}
}
