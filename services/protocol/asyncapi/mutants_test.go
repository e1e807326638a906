package asyncapi

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// required are the fields that all variants of a message must have.
func (d *document) required(t *testing.T, message string) (names []string) {
	t.Helper()
	payload, _ := d.at(t, "components", "messages", message)["payload"].(object)
	payload = d.resolve(t, payload)
	variants, _ := payload["oneOf"].([]any)
	if variants == nil {
		variants = []any{payload}
	}
	for i, v := range variants {
		var ofThis []string
		list, _ := d.resolve(t, v.(object))["required"].([]any)
		for _, name := range list {
			ofThis = append(ofThis, name.(string))
		}
		if i == 0 {
			names = ofThis
		}
		names = slices.DeleteFunc(names, func(name string) bool { return !slices.Contains(ofThis, name) })
	}
	return names
}

// mutants are a frame with one mistake each, by what that is.
func mutants(t *testing.T, text string, required []string) map[string][]byte {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	frame, is := value.(object)
	if !is {
		t.Fatalf("%s is no object", text)
	}
	all := make(map[string][]byte)
	mutate := func(what string, change func(object)) {
		mutant := maps.Clone(frame)
		change(mutant)
		encoded, err := json.Marshal(mutant)
		if err != nil {
			t.Fatal(err)
		}
		all[what] = encoded
	}
	mutate("another field", func(o object) { o["another"] = 1 })
	mutate("another type", func(o object) { o["type"] = "another" })
	for _, name := range required {
		mutate("no "+name, func(o object) { delete(o, name) })
	}
	for name := range frame {
		mutate("null as "+name, func(o object) { o[name] = nil })
		mutate("an object as "+name, func(o object) { o[name] = object{"$gt": ""} })
		mutate("another case of "+name, func(o object) { o["X"+name] = o[name]; delete(o, name) })
		mutate("a fraction as "+name, func(o object) { o[name] = 1.5 })
	}
	return all
}
