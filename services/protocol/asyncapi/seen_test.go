package asyncapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// seen is what was really heard from servers. It is safe for concurrent use.
type seen struct {
	// static
	d         *document
	described map[string]bool // the traits that are looked for

	mu     sync.Mutex
	frames map[string][]string // by message, those that told of something new
	traits map[string]bool     // what they had; see traits
	codes  map[int]bool        // of closes
	wrong  []string
}

func newSeen(t *testing.T, d *document) *seen {
	t.Helper()
	return &seen{
		d: d, described: d.described(t, d.messages),
		frames: make(map[string][]string), traits: make(map[string]bool), codes: make(map[int]bool),
	}
}

// hear takes a frame, which must be of one message, and returns the name of that.
func (s *seen) hear(frame []byte) string {
	names := matches(s.d.messages, frame)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(names) != 1 {
		s.wrong = append(s.wrong, fmt.Sprintf("%.300s is of the messages %v", frame, names))
		return ""
	}
	value, _ := jsonschema.UnmarshalJSON(bytes.NewReader(frame)) // it was read before
	has, news := make(map[string]bool), false
	note(has, names[0], value, s.described)
	for trait := range has {
		if s.described[trait] && !s.traits[trait] {
			s.traits[trait], news = true, true
		}
	}
	if news {
		s.frames[names[0]] = append(s.frames[names[0]], string(frame))
	}
	return names[0]
}

// close takes the code of a close.
func (s *seen) close(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code] = true
}

// note adds the traits of a value: the fields that are there, what texts and flags they
// have, and which are not there of those that described knows, such as "watch.more",
// "watch.level=users" and "watch without more".
func note(traits map[string]bool, path string, value any, described map[string]bool) {
	switch v := value.(type) {
	case object:
		for name, inner := range v {
			traits[path+"."+name] = true
			note(traits, path+"."+name, inner, described)
		}
		for trait := range described {
			if name, is := strings.CutPrefix(trait, path+" without "); is && v[name] == nil {
				traits[trait] = true
			}
		}
	case []any:
		for _, inner := range v {
			note(traits, path+"[]", inner, described)
		}
	case string:
		traits[path+" a string"] = true
		if len(v) < 32 {
			traits[path+"="+v] = true
		}
	case bool:
		traits[fmt.Sprint(path, "=", v)] = true
	case json.Number:
		traits[path+" a number"] = true
	}
}

// described are the traits that messages may have: each field, its absence if it may be
// absent, each of the values that are listed, and each type where there is a choice.
func (d *document) described(t *testing.T, of map[string]*jsonschema.Schema) map[string]bool {
	t.Helper()
	traits := make(map[string]bool)
	for name := range of {
		d.describe(t, traits, name, d.at(t, "components", "messages", name)["payload"])
	}
	return traits
}

func (d *document) describe(t *testing.T, traits map[string]bool, path string, schema any) {
	t.Helper()
	o, _ := schema.(object)
	o = d.resolve(t, o)
	choices, _ := o["oneOf"].([]any)
	for _, choice := range choices {
		d.describe(t, traits, path, choice)
		switch d.resolve(t, choice.(object))["type"] {
		case "string":
			traits[path+" a string"] = true
		case "integer":
			traits[path+" a number"] = true
		}
	}
	properties, _ := o["properties"].(object)
	required, _ := o["required"].([]any)
	for name, inner := range properties {
		traits[path+"."+name] = true
		if !slices.Contains(required, any(name)) {
			traits[path+" without "+name] = true
		}
		d.describe(t, traits, path+"."+name, inner)
	}
	values, _ := o["enum"].([]any)
	if only, is := o["const"]; is {
		values = append(values, only)
	}
	if o["type"] == "boolean" {
		values = []any{true, false}
	}
	for _, v := range values {
		traits[fmt.Sprint(path, "=", v)] = true
	}
	if items := o["items"]; items != nil {
		d.describe(t, traits, path+"[]", items)
	}
}

// without are the traits that are not among others, in order.
func without(traits, others map[string]bool) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(traits)), func(trait string) bool { return others[trait] })
}

// The examples of commands show every field and every value that commands may have.
func TestDocument_ExamplesShowAll(t *testing.T) {
	d, shown := load(t), make(map[string]bool)
	described := d.described(t, d.commands)
	for _, e := range d.examples(t, d.commands) {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(e.payload)))
		if err != nil {
			t.Fatal(err)
		}
		note(shown, e.message, value, described)
	}
	for _, trait := range without(described, shown) {
		t.Errorf("no example shows %s", trait)
	}
}
