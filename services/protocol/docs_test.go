package protocol

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documentation is docs/PROTOCOL.md.
func documentation(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// table are the cells of the table of a section, without its head.
func table(t *testing.T, title string) (rows [][]string) {
	t.Helper()
	_, rest, found := strings.Cut(documentation(t), "\n## "+title+"\n")
	if !found {
		t.Fatalf("the documentation has no section %s", title)
	}
	section, _, _ := strings.Cut(rest, "\n## ")
	for line := range strings.Lines(section) {
		if cells := strings.Split(strings.Trim(line, "| \n"), " | "); strings.HasPrefix(line, "| ") {
			rows = append(rows, cells)
		}
	}
	return rows[1:]
}

// constants are those of a type in message.go, as they are written.
func constants(t *testing.T, ofType string) (values []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), "message.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, is := n.(*ast.ValueSpec)
		if !is {
			return true
		}
		if name, _ := spec.Type.(*ast.Ident); name != nil && name.Name == ofType {
			values = append(values, strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`))
		}
		return true
	})
	slices.Sort(values)
	return values
}

// The dialogues of docs/PROTOCOL.md are of this protocol: what the client says is a command,
// and what the server says a message that a client reads.
func TestDocs_Dialogues(t *testing.T) {
	said, heard := 0, 0
	for line := range strings.Lines(documentation(t)) {
		line = strings.TrimSpace(line)
		if command, is := strings.CutPrefix(line, "→ "); is {
			said++
			wantCommand(t, command)
		}
		if message, is := strings.CutPrefix(line, "← "); is {
			heard++
			wantMessage(t, message)
		}
	}
	if said < 2 || heard < 4 {
		t.Errorf("only %d commands and %d messages", said, heard)
	}
}

func wantCommand(t *testing.T, text string) {
	t.Helper()
	l := Limits{MaxFibonacci: 100_000, MaxSequence: 1000, MaxUsers: 1000}
	var c Command
	if e := Parse([]byte(text), l, &c); e != nil {
		t.Errorf("%s: %s: %s", text, e.Code, e.Message)
	}
}

// wantMessage holds that a text is a message all of whose fields are known.
func wantMessage(t *testing.T, text string) {
	t.Helper()
	if m, err := Decode([]byte(text)); err != nil || !slices.Contains(messageTypes, m.Type) {
		t.Errorf("%s: %v", text, err)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(new(Message)); err != nil {
		t.Errorf("%s: %v", text, err)
	}
}

var messageTypes = []string{
	TypeWelcome, TypeTime, TypeFibonacci, TypeSequence, TypePong, TypeError, TypeDrain, TypeToken, TypeWho, TypeWatch, TypeUnwatch, TypePresence,
}

// Whatever else stands there as an example is a command or a message, too. What is left
// out of one is marked by an ellipsis.
func TestDocs_Examples(t *testing.T) {
	inText := regexp.MustCompile("`(\\{\"type\"[^`]*\\})`")
	onLine := regexp.MustCompile(`(?m)^ {4}(\{.*\})$`)
	doc, n := documentation(t), 0
	for _, found := range append(inText.FindAllStringSubmatch(doc, -1), onLine.FindAllStringSubmatch(doc, -1)...) {
		n++
		text := strings.NewReplacer(`"time":"…"`, `"time":"2026-11-23T10:00:00Z"`, `,…`, ``).Replace(found[1])
		var c Command
		if Parse([]byte(text), Limits{MaxFibonacci: 100_000, MaxSequence: 1000, MaxUsers: 1000}, &c) != nil {
			wantMessage(t, text)
		}
	}
	if n < 18 {
		t.Errorf("only %d examples", n)
	}
}

// The table of errors has every code that a client may be answered with, and says of
// those that are worth it, and of no other, to send the command again.
func TestDocs_ErrorCodes(t *testing.T) {
	var listed []string
	for _, row := range table(t, "Errors") {
		for name := range strings.SplitSeq(row[0], ", ") {
			code := strings.Trim(name, "`")
			listed = append(listed, code)
			if again := strings.Contains(row[2], "send it again"); again != Code(code).Retryable() {
				t.Errorf("%s: %q, and retryable is %v", code, row[2], Code(code).Retryable())
			}
		}
	}
	slices.Sort(listed)
	want := slices.DeleteFunc(constants(t, "Code"), func(code string) bool { return code == string(TooLarge) })
	if !slices.Equal(listed, want) {
		t.Errorf("codes %v, want %v", listed, want)
	}
}

// The table of close codes has every code that the server sends, and says whether to
// connect again.
func TestDocs_CloseCodes(t *testing.T) {
	var listed []string
	for _, row := range table(t, "Closing") {
		for code := range strings.SplitSeq(row[0], ", ") {
			listed = append(listed, code)
			var c CloseCode
			if _, err := fmt.Sscan(code, &c); err != nil {
				t.Fatal(err)
			}
			if again := row[2] == "yes" || row[2] == code+" only"; again != c.Reconnect() {
				t.Errorf("%s: connect again: %q, and Reconnect is %v", code, row[2], c.Reconnect())
			}
		}
	}
	slices.Sort(listed)
	if want := constants(t, "CloseCode"); !slices.Equal(listed, want) {
		t.Errorf("close codes %v, want %v", listed, want)
	}
}
