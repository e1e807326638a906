package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/presenced/presence/services/protocol"
)

// maxBody is the most bytes of a request's body: a user id and a reason take 300.
const maxBody = 4 << 10

// fields are those that a body may have, each a string, with where it goes.
type fields map[string]*string

// readBody reads a body: one JSON object with some of the fields, each at most once, and
// nothing else. It answers itself what is wrong, and reports whether all is well. A web
// page cannot send JSON to another origin without being asked about it first.
func readBody(w http.ResponseWriter, r *http.Request, f fields) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		fail(w, http.StatusUnsupportedMediaType, protocol.BadRequest, "send JSON, with Content-Type: application/json")
		return false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		fail(w, http.StatusRequestEntityTooLarge, protocol.TooLarge, fmt.Sprintf("the body has more than %d bytes", maxBody))
		return false
	}
	if err == nil {
		err = f.read(body)
	}
	if err != nil {
		fail(w, http.StatusBadRequest, protocol.BadRequest, err.Error())
		return false
	}
	return true
}

// errNoObject says what a body is to be.
var errNoObject = errors.New("the body is not a JSON object")

// read reads the fields from a body. encoding/json alone would take the last of two
// fields of one name, and make valid what is not valid UTF-8.
func (f fields) read(body []byte) error {
	if !utf8.Valid(body) {
		return errors.New("the body is not valid UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return errNoObject
	}
	seen := make(map[string]bool)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return errNoObject
		}
		key := name.(string) // a decoder gives nothing else here
		to, known := f[key]
		switch {
		case !known:
			return f.unknown(key)
		case seen[key]:
			return fmt.Errorf("%s stands twice", key)
		}
		seen[key] = true
		value, err := d.Token()
		if err != nil {
			return errNoObject
		}
		text, ok := value.(string)
		if !ok {
			return fmt.Errorf("%s is not a string", key)
		}
		if brokenEscape(text, body) {
			return fmt.Errorf("%s has half of a surrogate pair", key)
		}
		*to = text
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return errNoObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON object in the body")
	}
	return nil
}

func (f fields) unknown(name string) error {
	if len(f) == 0 {
		return fmt.Errorf("unknown field %.60q; the object is to be empty", name)
	}
	return fmt.Errorf("unknown field %.60q; there is %s", name, strings.Join(slices.Sorted(maps.Keys(f)), ", "))
}

// brokenEscape reports whether a string was made valid by its decoder: it has a
// replacement character that the body does not spell.
func brokenEscape(text string, body []byte) bool {
	return strings.ContainsRune(text, utf8.RuneError) && !bytes.ContainsRune(body, utf8.RuneError) &&
		!bytes.Contains(bytes.ToLower(body), []byte(`\ufffd`))
}
