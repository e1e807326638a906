package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/presenced/presence/services/presence"
)

const (
	postTimeout = 10 * time.Second // for a post, until its answer is read
	idleTimeout = 90 * time.Second // until a connection on which nothing is posted is closed
	maxAnswer   = 64 << 10         // bytes that are read of an answer, which nobody looks at

	// The bounds of the wait until a delivery is posted again.
	minBackoff = time.Second
	maxBackoff = 5 * time.Minute
)

// Outcome is how a post ended.
type Outcome uint8

// The outcomes. All but Delivered are repeated.
const (
	Unreachable Outcome = iota // no connection, or one that broke
	TimedOut                   // no answer in time
	Failed                     // 5xx, and what is no status
	Rejected                   // 4xx
	Redirected                 // 3xx, which is not followed
	Delivered                  // 2xx
	outcomes
)

var outcomeNames = [outcomes]string{"unreachable", "timeout", "failed", "rejected", "redirected", "delivered"}

// String is the name of the outcome in metrics.
func (o Outcome) String() string {
	if o >= outcomes {
		return fmt.Sprintf("outcome(%d)", uint8(o))
	}
	return outcomeNames[o]
}

// answer is what came of a post.
type answer struct {
	outcome Outcome
	why     string        // in words, without the address
	gone    bool          // 410
	after   time.Duration // that the receiver asks to wait; 0: it does not
}

// newClient returns what posts. It follows no redirects: what is posted is for the address that was set.
func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
			MaxResponseHeaderBytes: maxAnswer, IdleConnTimeout: idleTimeout,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// post posts a delivery once.
func (p *Poster) post(ctx context.Context, d presence.HookDelivery) answer {
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	now := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.cfg.URL.String(), strings.NewReader(d.Body))
	if err != nil {
		return answer{outcome: Unreachable, why: withoutAddress(err)}
	}
	for field, value := range map[string]string{
		"Content-Type":      "application/json",
		"User-Agent":        "presenced/" + p.cfg.Version,
		"Webhook-Id":        d.ID,
		"Webhook-Timestamp": strconv.FormatInt(now.Unix(), 10),
		"Webhook-Signature": p.cfg.Secret.sign(d.ID, now, d.Body),
	} {
		req.Header.Set(field, value)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return broken(ctx, err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer) // so that the connection can be used again; what is in it is nobody's business
	return judge(resp, time.Now())
}

// broken is the answer where there was none.
func broken(ctx context.Context, err error) answer {
	var slow interface{ Timeout() bool }
	if ctx.Err() != nil || errors.As(err, &slow) && slow.Timeout() {
		return answer{outcome: TimedOut, why: "no answer within " + postTimeout.String()}
	}
	return answer{outcome: Unreachable, why: withoutAddress(err)}
}

// withoutAddress takes the address out of an error: its query may hold a secret.
func withoutAddress(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return err.Error()
}

// judge reads an answer.
func judge(resp *http.Response, now time.Time) answer {
	a := answer{
		why:   fmt.Sprintf("the answer is %d %s", resp.StatusCode, http.StatusText(resp.StatusCode)),
		gone:  resp.StatusCode == http.StatusGone,
		after: retryAfter(resp.Header.Get("Retry-After"), now),
	}
	switch resp.StatusCode / 100 {
	case 2:
		a.outcome = Delivered
	case 3:
		a.outcome = Redirected
		a.why += "; redirects are not followed: set WEBHOOK_URL to where it leads"
	case 4:
		a.outcome = Rejected
	default:
		a.outcome = Failed
	}
	return a
}

// retryAfter reads the field of that name: seconds, or a time.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now))
}

// backoff is how long to wait after a number of posts that failed, the last with a: twice
// as long each time, less a random half (0 ≤ random < 1), and at least as long as the
// receiver asks, but never more than maxBackoff. One that is gone is asked rarely: perhaps
// it comes back, and nothing is thrown away.
func backoff(failed int, a answer, random float64) time.Duration {
	d := maxBackoff
	if failed < 10 && !a.gone {
		d = min(minBackoff<<(failed-1), maxBackoff)
	}
	d -= time.Duration(random * float64(d/2))
	return max(d, min(a.after, maxBackoff))
}
