package asyncapi

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// specs is the npm package that has the schema of AsyncAPI itself.
const specs = "@asyncapi/specs@6.11.1"

// official is the schema of AsyncAPI 3.0.0. It is installed into the user's cache once.
func official(t *testing.T) *jsonschema.Schema {
	t.Helper()
	path, err := install()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("SKIPPED, NOT TESTED: no schema of AsyncAPI: %v", err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	value, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("file:///official.json", value); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("file:///official.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// install returns the path of the schema. It installs into a directory beside its own
// first, so that what is there is complete.
func install() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "presence-test", filepath.Base(specs))
	path := filepath.Join(dir, "node_modules", "@asyncapi", "specs", "schemas", "3.0.0.json")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	unfinished := fmt.Sprintf("%s.%d", dir, os.Getpid())
	defer func() { _ = os.RemoveAll(unfinished) }()
	cmd := exec.Command("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", unfinished, specs)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm install %s: %w\n%s", specs, err, out)
	}
	err = os.Rename(unfinished, dir)
	if _, there := os.Stat(path); there == nil {
		return path, nil // perhaps by another process
	}
	return path, errors.Join(err, fmt.Errorf("%s has no %s", specs, path))
}

// The description is an AsyncAPI 3.0.0 document by the schema of the specification, and
// is none any more with a mistake in it.
func TestDocument_IsAsyncAPI(t *testing.T) {
	schema, d := official(t), load(t)
	if err := schema.Validate(d.root); err != nil {
		t.Errorf("%+v", err)
	}
	for what, change := range map[string]func(o object){
		"another version": func(o object) { o["asyncapi"] = "2.6.0" },
		"no title":        func(o object) { o["info"] = object{"version": "1"} },
		"another field":   func(o object) { o["channel"] = object{} },
		"an unknown action": func(o object) {
			o["operations"] = object{"x": object{"action": "shout", "channel": object{"$ref": "#/channels/socket"}}}
		},
		"a server on no host": func(o object) { o["servers"] = object{"x": object{"protocol": "ws"}} },
	} {
		mutant := maps.Clone(d.root)
		change(mutant)
		if schema.Validate(mutant) == nil {
			t.Errorf("with %s it is still an AsyncAPI document", what)
		}
	}
}
