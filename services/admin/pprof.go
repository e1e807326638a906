package admin

import (
	"errors"
	"io"
	"net/http"
	"net/http/pprof"
	"regexp"
	runtime "runtime/pprof"
	"strings"

	"github.com/presenced/presence/services/protocol"
)

// pprofPath is where the profiles are, as `go tool pprof` asks for them.
const pprofPath = "/debug/pprof/"

// maxProfile is the longest time that a profile is taken for, in seconds: one that costs
// something ends although who asked for it has forgotten it.
const maxProfile = 300

// profiles answers with a profile of the Go runtime, or with the list of them. What package
// pprof would take for a default, or refuse in a text, is looked at before.
func profiles(w http.ResponseWriter, r *http.Request) {
	name, serve := strings.TrimPrefix(r.URL.Path, pprofPath), http.HandlerFunc(pprof.Index)
	var err error
	switch {
	case name == "":
		err = parameters{}.read(r.URL.RawQuery)
	case name == "cmdline":
		serve, err = program, parameters{}.read(r.URL.RawQuery)
	case name == "symbol":
		serve, err = pprof.Symbol, checkAddresses(r.URL.RawQuery)
	case name == "profile":
		serve, err = oneAtATime(pprof.Profile), parameters{"seconds": between(1, maxProfile, new(int))}.read(r.URL.RawQuery)
	case name == "trace":
		serve, err = oneAtATime(pprof.Trace), parameters{"seconds": between(1, maxProfile, new(int))}.read(r.URL.RawQuery)
	case runtime.Lookup(name) != nil:
		err = checkProfile(r.URL.RawQuery)
	default:
		fail(w, http.StatusNotFound, protocol.BadRequest, "there is no such profile; GET "+pprofPath+" lists them")
		return
	}
	if err != nil {
		fail(w, http.StatusBadRequest, protocol.BadRequest, err.Error())
		return
	}
	serve(w, r)
}

// checkProfile looks at the query of a profile that is there at any time. With seconds it
// is what was added to it meanwhile, and has no text.
func checkProfile(raw string) error {
	var seconds, debug int
	err := parameters{
		"seconds": between(1, maxProfile, &seconds), "debug": between(0, 2, &debug), "gc": between(0, 1, new(int)),
	}.read(raw)
	if err == nil && seconds > 0 && debug > 0 {
		err = errors.New("debug is of a profile of now, and seconds of one that takes a while: give one of them")
	}
	return err
}

// addresses are what a symbol is asked for.
var addresses = regexp.MustCompile(`^(0x[0-9a-fA-F]{1,16}(\+0x[0-9a-fA-F]{1,16})*)?$`)

func checkAddresses(raw string) error {
	if !addresses.MatchString(raw) {
		return errors.New("the query must be addresses such as 0x45f2a0+0x45f2b8")
	}
	return nil
}

// program answers with the name of the program, and not with its command line: that may
// have the secrets of which the token of this API is only one.
func program(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "presenced") // the only error is that the reader has gone
}

// oneAtATime is for what the runtime does for one who asks at a time.
func oneAtATime(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { serve(&beginning{ResponseWriter: w}, r) }
}

// beginning is an answer of package pprof that fails only when it cannot begin: in the
// shape of this API then.
type beginning struct {
	http.ResponseWriter
	failed bool
}

func (b *beginning) WriteHeader(status int) {
	if b.failed = status >= http.StatusBadRequest; !b.failed {
		b.ResponseWriter.WriteHeader(status)
		return
	}
	b.Header().Del("X-Go-Pprof")
	fail(b.ResponseWriter, http.StatusConflict, protocol.Busy, "such a profile is being taken already; try again when that is done")
}

func (b *beginning) Write(p []byte) (int, error) {
	if b.failed {
		return len(p), nil
	}
	return b.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (b *beginning) Unwrap() http.ResponseWriter { return b.ResponseWriter }
