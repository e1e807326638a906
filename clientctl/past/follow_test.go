package past_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/past"
	"github.com/presenced/presence/events"
)

// follow follows what answers gives, an answer for each request, until they are used up.
// It returns the users that were told, what was said, and the cursors that were asked for.
func follow(t *testing.T, answers ...func(http.ResponseWriter)) (told, said, asked []string, cursor string, err error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("after"))
		if n := len(asked); n <= len(answers) {
			answers[n-1](w)
			return
		}
		cancel()
	})
	cursor, err = past.Follow(ctx, c, past.Follower{
		After: "now",
		Event: func(e events.Event) error { told = append(told, e.User); return nil },
		Lost: func(_ error, n int) time.Duration {
			said = append(said, fmt.Sprint("lost ", n))
			return 0
		},
		Back: func() { said = append(said, "back") },
	})
	return told, said, asked, cursor, err
}

// lines answers with events by their numbers, and with cursors by their names.
func lines(all ...any) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		out := json.NewEncoder(w)
		for _, l := range all {
			if n, ok := l.(int); ok {
				_ = out.Encode(event(uint64(n)))
				continue
			}
			fmt.Fprintf(w, `{"cursor":%q}`+"\n", l)
		}
	}
}

func refusal(status int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(status) }
}

// What was told is not told again, and what was not told is, however the stream ends and
// in whatever pages it comes again.
func TestFollow_GoesOn(t *testing.T) {
	told, said, asked, cursor, err := follow(t,
		lines("zero", 1, "one", 2, 3),
		refusal(503),
		lines("one", 3, "two", 4),
		lines("two", 2, 4, 5, "three"),
		lines("three", 6),
	)
	if !errors.Is(err, fault.ErrInterrupted) || cursor != "three" {
		t.Errorf("cursor %s, %v", cursor, err)
	}
	for _, c := range []struct{ got, want string }{
		{fmt.Sprint(told), "[u1 u2 u3 u4 u5 u6]"},
		{fmt.Sprint(asked), "[now one one two three three]"},
		{strings.Join(said, ", "), "lost 0, lost 1, back, lost 0, back, lost 0, back, lost 0"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

// What will not be better next time ends it, and so does a first try that fails.
func TestFollow_Ends(t *testing.T) {
	for name, tt := range map[string]struct {
		answers []func(http.ResponseWriter)
		kind    fault.Kind
		cursor  string
	}{
		"at once":                   {[]func(http.ResponseWriter){refusal(503)}, fault.Refused, "now"},
		"nothing comes":             {[]func(http.ResponseWriter){lines()}, fault.Unreachable, "now"},
		"what is after was deleted": {[]func(http.ResponseWriter){lines("one"), refusal(410)}, fault.Refused, "one"},
		"no line of a stream": {[]func(http.ResponseWriter){lines("one"), func(w http.ResponseWriter) { fmt.Fprintln(w, "<html>") }},
			fault.Failed, "one"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, asked, cursor, err := follow(t, tt.answers...)
			if fault.KindOf(err) != tt.kind || cursor != tt.cursor || len(asked) != len(tt.answers) {
				t.Errorf("asked %d times, cursor %s, %v", len(asked), cursor, err)
			}
		})
	}
}

func TestFollow_WhoReadsEndsIt(t *testing.T) {
	gone := errors.New("nobody reads")
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { lines("one", 1, 2)(w) })
	cursor, err := past.Follow(t.Context(), c, past.Follower{After: "now", Event: func(events.Event) error { return gone }})
	if !errors.Is(err, gone) || cursor != "one" {
		t.Errorf("cursor %s, %v", cursor, err)
	}
}

func TestFollow_Interrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		lines(1)(w)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	_, err := past.Follow(ctx, c, past.Follower{After: "now", Event: func(events.Event) error { cancel(); return nil }})
	if !errors.Is(err, fault.ErrInterrupted) {
		t.Error(err)
	}
}

// A server that says nothing any more is asked again, although its socket is there.
func TestFollow_Silence(t *testing.T) {
	n := 0
	ctx, cancel := context.WithCancel(t.Context())
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n > 1 {
			cancel()
			return
		}
		lines("one")(w)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	var lost error
	_, err := past.Follow(ctx, c, past.Follower{
		After: "now", Silence: time.Millisecond,
		Lost: func(err error, _ int) time.Duration { lost = err; return 0 },
	})
	if !errors.Is(err, fault.ErrInterrupted) || n != 2 || lost == nil || lost.Error() != "nothing has come from the server for 1ms" {
		t.Errorf("asked %d times, lost by %v, %v", n, lost, err)
	}
}
