package asyncapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

// object is an object of the description.
type object = map[string]any

// document is the description, and the schemas of its messages.
type document struct {
	root     object
	commands map[string]*jsonschema.Schema // what a client says, by the name of the message
	messages map[string]*jsonschema.Schema // what the server says
	answers  map[string][]string           // of a command, by its name: the names of the messages that may answer it
}

// address is the name that the description has for the validator.
const address = "file:///asyncapi.json"

// load reads the description.
func load(t *testing.T) *document {
	t.Helper()
	text, err := os.ReadFile("../../../docs/asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	root, err := readYAML(text)
	if err != nil {
		t.Fatal(err)
	}
	d := &document{
		root: root, commands: make(map[string]*jsonschema.Schema), messages: make(map[string]*jsonschema.Schema),
		answers: make(map[string][]string),
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7) // of which AsyncAPI's schemas are a superset
	compiler.AssertFormat()
	if err := compiler.AddResource(address, d.root); err != nil {
		t.Fatal(err)
	}
	schema := func(name string) *jsonschema.Schema {
		s, err := compiler.Compile(address + "#/components/messages/" + name + "/payload")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, operation := range d.at(t, "operations") {
		names, replies := d.operation(t, operation)
		for _, name := range names {
			if len(replies) > 0 {
				d.commands[name], d.answers[name] = schema(name), replies
			} else {
				d.messages[name] = schema(name)
			}
		}
		for _, name := range replies {
			d.messages[name] = schema(name)
		}
	}
	return d
}

// readYAML reads a document as the validator reads JSON.
func readYAML(text []byte) (object, error) {
	var root any
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	asJSON, err := json.Marshal(root)
	if err != nil {
		return nil, err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		return nil, err
	}
	o, ok := value.(object)
	if !ok {
		return nil, fmt.Errorf("the document is a %T", value)
	}
	return o, nil
}

// operation returns the names of the messages of an operation, and of its replies: what
// the server receives has replies.
func (d *document) operation(t *testing.T, value any) (names, replies []string) {
	t.Helper()
	o, _ := value.(object)
	named := func(list any) (names []string) {
		for _, m := range list.([]any) {
			ref, _ := m.(object)["$ref"].(string)
			name, ok := strings.CutPrefix(ref, "#/channels/socket/messages/")
			if !ok {
				t.Errorf("an operation has the message %q", ref)
			}
			if found := d.resolve(t, m.(object)); found["payload"] == nil {
				t.Errorf("%s has no payload", ref)
			}
			names = append(names, name)
		}
		return names
	}
	names = named(o["messages"])
	if reply, is := o["reply"].(object); is {
		replies = named(reply["messages"])
	}
	if action := o["action"]; (action == "receive") != (len(replies) > 0) {
		t.Errorf("the operation %v has the action %v", names, action)
	}
	return names, replies
}

// at is the object at a path of names.
func (d *document) at(t *testing.T, path ...string) object {
	t.Helper()
	o := d.root
	for _, name := range path {
		next, is := o[name].(object)
		if !is {
			t.Fatalf("the description has no %s", strings.Join(path, "/"))
		}
		o = next
	}
	return o
}

// resolve follows references.
func (d *document) resolve(t *testing.T, o object) object {
	t.Helper()
	for ref, is := o["$ref"].(string); is; ref, is = o["$ref"].(string) {
		path, local := strings.CutPrefix(ref, "#/")
		if !local {
			t.Fatalf("the reference %s leads elsewhere", ref)
		}
		o = d.at(t, strings.Split(path, "/")...)
	}
	return o
}

// example is one of a message.
type example struct{ message, name, payload string }

// examples are those of some messages.
func (d *document) examples(t *testing.T, of map[string]*jsonschema.Schema) (all []example) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(of)) {
		list, _ := d.at(t, "components", "messages", name)["examples"].([]any)
		if len(list) == 0 {
			t.Errorf("%s has no example", name)
		}
		for _, e := range list {
			title, _ := e.(object)["name"].(string)
			payload, err := json.Marshal(e.(object)["payload"])
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, example{name, title, string(payload)})
		}
	}
	return all
}

// is reports what is wrong with a text as a message.
func is(schema *jsonschema.Schema, text []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// matches are the names of the messages that a text is one of.
func matches(of map[string]*jsonschema.Schema, text []byte) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if is(of[name], text) == nil {
			names = append(names, name)
		}
	}
	return names
}

// Each example is of its message and of no other one.
func TestDocument_Examples(t *testing.T) {
	d := load(t)
	for _, of := range []map[string]*jsonschema.Schema{d.commands, d.messages} {
		for _, e := range d.examples(t, of) {
			if got := matches(of, []byte(e.payload)); !slices.Equal(got, []string{e.message}) {
				t.Errorf("%s: %s is of %v: %v", e.message, e.payload, got, is(of[e.message], []byte(e.payload)))
			}
		}
	}
}

// Every reference leads somewhere, and everything that is described is used.
func TestDocument_References(t *testing.T) {
	d := load(t)
	used := make(map[string]bool)
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case object:
			if ref, is := v["$ref"].(string); is {
				used[ref] = true
				d.resolve(t, v)
			}
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	walk(d.root)
	for _, kind := range []string{"schemas", "messages", "securitySchemes", "correlationIds"} {
		for name := range d.at(t, "components", kind) {
			if !used["#/components/"+kind+"/"+name] {
				t.Errorf("%s of %s is used by nothing", name, kind)
			}
		}
	}
	for name := range d.at(t, "channels", "socket", "messages") {
		if d.commands[name] == nil && d.messages[name] == nil {
			t.Errorf("the message %s is of no operation", name)
		}
	}
	if got := d.at(t, "components", "messages"); len(got) != len(d.commands)+len(d.messages) {
		t.Errorf("%d messages, of them %d commands and %d from the server", len(got), len(d.commands), len(d.messages))
	}
}

// Every object is closed: a field that is not described is none.
func TestDocument_Strict(t *testing.T) {
	d := load(t)
	for name, schema := range d.at(t, "components", "schemas") {
		var walk func(path string, value any)
		walk = func(path string, value any) {
			o, is := value.(object)
			if !is {
				return
			}
			open, said := o["additionalProperties"].(bool)
			if o["type"] == "object" && (open || !said || o["required"] == nil) {
				t.Errorf("%s is open", path)
			}
			if o["type"] == "array" && o["maxItems"] == nil {
				t.Errorf("%s has no bound", path)
			}
			properties, _ := o["properties"].(object)
			for field, inner := range properties {
				walk(path+"."+field, inner)
			}
			choices, _ := o["oneOf"].([]any)
			for _, inner := range append(choices, o["items"]) {
				walk(path, inner)
			}
		}
		walk(name, schema)
	}
}
