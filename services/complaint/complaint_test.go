package complaint_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/presenced/presence/services/complaint"
)

// said is a Once, and what it has said.
type said struct {
	complaint.Once
	log   *zap.Logger
	lines *observer.ObservedLogs
}

func listen(calm time.Duration) *said {
	core, lines := observer.New(zap.InfoLevel)
	return &said{Once: complaint.Once{Calm: calm}, log: zap.New(core), lines: lines}
}

func (s *said) fails() { s.Fails(s.log, "it fails", errors.New("odd")) }
func (s *said) works() { s.Works(s.log, "it works again") }

// want holds what was said since the last time.
func (s *said) want(t *testing.T, when string, want ...string) {
	t.Helper()
	got := s.lines.TakeAll()
	ok := len(got) == len(want)
	for i := 0; ok && i < len(got); i++ {
		ok = got[i].Message == want[i]
	}
	if !ok {
		t.Errorf("%s: said %v, want %q", when, got, want)
	}
}

func pass(d time.Duration) { <-time.After(d) }

func TestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := listen(0)
		s.works()
		s.want(t, "nothing has failed")
		for range 10 {
			s.fails()
			pass(time.Second)
		}
		if why := s.lines.All()[0].ContextMap()["error"]; why != "odd" {
			t.Errorf("it fails because of %v", why)
		}
		s.want(t, "10 failures", "it fails")
		s.works()
		if after := s.lines.All()[0].ContextMap()["after"]; after != 10*time.Second {
			t.Errorf("it works after %v", after)
		}
		s.works()
		s.want(t, "it works twice", "it works again")
		s.fails()
		s.want(t, "it fails anew", "it fails")
	})
}

// What fails for some and works for others is neither said again and again nor called well.
func TestOnce_Calm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := listen(time.Minute)
		for range 100 {
			s.fails()
			s.works()
			pass(30 * time.Second)
			s.works()
			pass(29 * time.Second)
		}
		s.want(t, "by turns", "it fails")
		pass(time.Second)
		s.works()
		s.want(t, "a minute without a failure", "it works again")
		s.works()
		s.fails()
		s.want(t, "it fails anew", "it fails")
	})
}
