package asyncapi

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/presenced/presence/services/protocol"
)

// constants are those of a file of package protocol whose names begin with a prefix, by
// their value as it is written.
func constants(t *testing.T, file, prefix, ofType string) (values []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), "../"+file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, declaration := range parsed.Decls {
		g, is := declaration.(*ast.GenDecl)
		if !is || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			spec, _ := s.(*ast.ValueSpec)
			named, _ := spec.Type.(*ast.Ident)
			if !strings.HasPrefix(spec.Names[0].Name, prefix) || ofType != "" && (named == nil || named.Name != ofType) {
				continue
			}
			literal, _ := spec.Values[0].(*ast.BasicLit)
			value := literal.Value
			if literal.Kind == token.STRING {
				if value, err = strconv.Unquote(value); err != nil {
					t.Fatal(err)
				}
			}
			values = append(values, value)
		}
	}
	slices.Sort(values)
	return values
}

// values are what a trait such as "error.code=" may be followed by.
func values(traits map[string]bool, trait string) (all []string) {
	for t := range traits {
		if value, is := strings.CutPrefix(t, trait); is {
			all = append(all, value)
		}
	}
	slices.Sort(all)
	return all
}

// types are the values of the field type of some messages.
func types(traits map[string]bool) []string {
	all := make(map[string]bool)
	for t := range traits {
		if _, value, is := strings.Cut(t, ".type="); is {
			all[value] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// The description has each type, each code and each close code that the code has, and no
// other.
func TestDocument_IsOfTheCode(t *testing.T) {
	d := load(t)
	messages := d.described(t, d.messages)
	if got, want := types(messages), constants(t, "message.go", "Type", ""); !slices.Equal(got, want) {
		t.Errorf("types of messages %v, want %v", got, want)
	}
	want := constants(t, "message.go", "", "Code")
	want = slices.DeleteFunc(want, func(code string) bool { return code == string(protocol.TooLarge) }) // the operator's API alone says it
	if got := values(messages, "error.code="); !slices.Equal(got, want) {
		t.Errorf("codes %v, want %v", got, want)
	}
	if got, want := types(d.described(t, d.commands)), commandTypes(t); !slices.Equal(got, want) {
		t.Errorf("types of commands %v, want %v", got, want)
	}
	codes := d.closeCodes(t)
	var got []string
	for code, again := range codes {
		got = append(got, fmt.Sprint(code))
		if want := protocol.CloseCode(code).Reconnect(); again != want {
			t.Errorf("after %d the description says %v on connecting again, the code %v", code, again, want)
		}
	}
	slices.Sort(got)
	if want := constants(t, "message.go", "Close", "CloseCode"); !slices.Equal(got, want) {
		t.Errorf("close codes %v, want %v", got, want)
	}
}

// commandTypes are those that the server says there are, when it is sent another one.
func commandTypes(t *testing.T) []string {
	t.Helper()
	var c protocol.Command
	e := protocol.Parse([]byte(`{"type":"?"}`), protocol.Limits{}, &c)
	if e == nil {
		t.Fatal("? is a command")
	}
	_, list, _ := strings.Cut(e.Message, "want one of ")
	types := strings.Split(list, ", ")
	slices.Sort(types)
	return types
}

// A command of which the description says that it is none is none to the server either,
// but for fields that are not described, which it ignores.
func TestDocument_CommandMutants(t *testing.T) {
	d := load(t)
	limits := protocol.Limits{MaxFibonacci: 1_000_000, MaxSequence: 1000, MaxUsers: 1000}
	n := 0
	for _, e := range d.examples(t, d.commands) {
		if e.message == "numberCommand" {
			continue
		}
		for what, mutant := range mutants(t, e.payload, d.required(t, e.message)) {
			if is(d.commands[e.message], mutant) == nil {
				t.Errorf("%s with %s is still one: %s", e.message, what, mutant)
			}
			n++
			var c protocol.Command
			refused := protocol.Parse(mutant, limits, &c) != nil
			ignored := strings.HasPrefix(what, "another field") || strings.HasPrefix(what, "another case of ")
			if !refused && !ignored {
				t.Errorf("the server takes %s with %s: %s", e.message, what, mutant)
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d mutants", n)
	}
}
