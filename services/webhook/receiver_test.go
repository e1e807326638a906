package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/presenced/presence/events"
)

// testKey is the key of the tests, and testSecret the setting that has it.
var (
	testKey    = []byte("0123456789abcdef0123456789abcdef")
	testSecret = "whsec_" + base64.StdEncoding.EncodeToString(testKey)
)

// reaction is what a receiver does with a post.
type reaction struct {
	take  bool          // it does what it is told
	after time.Duration // it takes so long for that; its sender may have gone
	mute  bool          // there is no answer
	code  int           // of the answer; 0: 204
	retry string        // Retry-After
}

// receiver is one that does what docs/OPERATIONS.md tells receivers to do: it knows by the
// number what it had. It complains when it is told what cannot be, and when the ids do not
// say the same.
type receiver struct {
	grace time.Duration // no leave is to be told sooner

	mu    sync.Mutex
	react func() reaction

	seen   map[string]string // body by id
	online map[string]time.Time
	last   uint64          // number
	late   map[string]bool // ids of deliveries that nobody waits for any more, and that may still come
	moved  bool            // it has had two addresses: what was for the first may come later, for the first time
	parts  int             // of the resync that is under way; -1: none is
	knows  bool            // it was told all
	told   []told
	posts  int
	wrong  string
}

// told is a delivery that was taken, and when.
type told struct {
	message
	when time.Time
}

func newReceiver() *receiver {
	return &receiver{
		react: takes, parts: -1,
		seen: make(map[string]string), late: make(map[string]bool), online: make(map[string]time.Time),
	}
}

func takes() reaction { return reaction{take: true} }

// reacts sets what it does from now on.
func (r *receiver) reacts(f func() reaction) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.react = f
}

// moves takes note that it has another address, too.
func (r *receiver) moves() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moved = true
}

// comesLate takes note that a delivery is given up.
func (r *receiver) comesLate(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.late[id] = true
}

func (r *receiver) fail(format string, args ...any) {
	if r.wrong == "" {
		r.wrong = fmt.Sprintf(format, args...)
	}
}

// RoundTrip makes the receiver a network too.
func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.posts++
	do := r.react()
	r.mu.Unlock()
	take := func() {
		if do.take {
			r.take(req, string(body))
		}
	}
	time.AfterFunc(do.after, take) // also if the sender has gone by then
	if do.mute {
		do.after = time.Hour
	}
	if !sleep(req.Context(), do.after+time.Millisecond) {
		return nil, context.Cause(req.Context())
	}
	if do.code == 0 {
		do.code = http.StatusNoContent
	}
	header := make(http.Header)
	if do.retry != "" {
		header.Set("Retry-After", do.retry)
	}
	return &http.Response{StatusCode: do.code, Header: header, Body: io.NopCloser(strings.NewReader("thank you")), Request: req}, nil
}

// take does what a delivery tells.
func (r *receiver) take(req *http.Request, body string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := verify(req.Header, body); err != nil {
		r.fail("%v", err)
	}
	var m message
	if err := json.Unmarshal([]byte(body), &m); err != nil || m.Type != "presence" || m.ID != req.Header.Get("webhook-id") {
		r.fail("%q: %v", body, err)
		return
	}
	before, again := r.seen[m.ID]
	if again && before != body {
		r.fail("delivery %s was %s, and is %s", m.ID, before, body)
	}
	old := m.Data.Number <= r.last
	if again && !old || old && !again && !r.moved && !r.late[m.ID] {
		r.fail("number %d after %d, and seen by its id: %v", m.Data.Number, r.last, again)
	}
	if old {
		return
	}
	r.seen[m.ID], r.last = body, m.Data.Number
	r.told = append(r.told, told{m, time.Now()})
	r.apply(m.Data)
	for _, c := range m.Data.Changes {
		r.change(c)
	}
}

// apply is what a delivery means before its changes.
func (r *receiver) apply(d data) {
	switch {
	case !d.Resync && r.parts >= 0:
		r.fail("a difference in the middle of a resync")
	case !d.Resync && !r.knows:
		r.fail("a difference to nothing")
	case !d.Resync:
	case d.Part == 1:
		clear(r.online)
		r.parts = 1
	case d.Part != r.parts+1:
		r.fail("part %d after %d", d.Part, r.parts)
	default:
		r.parts = d.Part
	}
	if r.knows = !d.More; r.knows {
		r.parts = -1
	}
}

func (r *receiver) change(c change) {
	if events.IsTombstone(c.User) {
		r.fail("a name that stands for nobody: %+v", c)
	}
	since, there := r.online[c.User]
	switch c.Type {
	case join:
		if there || c.Since.IsZero() || !c.At.IsZero() {
			r.fail("a join of who is there since %s: %+v", since, c)
		}
		r.online[c.User] = c.Since
	case leave:
		if !there || c.At.IsZero() || !c.Since.IsZero() {
			r.fail("a leave of who is not there: %+v", c)
		}
		if waited := time.Since(c.At); waited < r.grace {
			r.fail("a leave after %s, and grace is %s: %+v", waited, r.grace, c)
		}
		delete(r.online, c.User)
	default:
		r.fail("%+v", c)
	}
}

// believes is who is online, as the receiver was told, and nil unless it knows all.
func (r *receiver) believes() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.knows {
		return nil
	}
	return slices.AppendSeq([]string{}, slices.Values(slices.Sorted(maps.Keys(r.online))))
}

// complaint is what the receiver was told that cannot be.
func (r *receiver) complaint() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.wrong
}

// all are the deliveries that were taken.
func (r *receiver) all() []told {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.told)
}

func (r *receiver) posted() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.posts
}

// verify is the verification of Standard Webhooks, written anew.
func verify(h http.Header, body string) error {
	id, stamp, signature := h.Get("webhook-id"), h.Get("webhook-timestamp"), h.Get("webhook-signature")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return fmt.Errorf("a timestamp of %q at %s: %w", stamp, time.Now(), err)
	}
	mac := hmac.New(sha256.New, testKey)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	version, text, _ := strings.Cut(signature, ",")
	got, err := base64.StdEncoding.DecodeString(text)
	if err != nil || version != "v1" || !hmac.Equal(got, mac.Sum(nil)) {
		return errors.Join(fmt.Errorf("the signature %q is not of this delivery", signature), err)
	}
	return nil
}
