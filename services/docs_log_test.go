package services

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// spoken is how a line of the log comes about: a method, which of its arguments is the
// message, and the level.
type spoken struct {
	arg   int
	level string
}

// speakers are the methods that write a line: those of a *zap.Logger that is called log or
// Log, and those of complaint.Once and of who uses it.
var speakers = map[string]spoken{
	"Info": {0, "info"}, "Warn": {0, "warn"}, "Error": {0, "error"},
	"DPanic": {0, "error"}, "Panic": {0, "error"}, "Fatal": {0, "error"},
	"Fails": {1, "warn"}, "Works": {1, "info"}, "complain": {2, "warn"},
}

// passedOn are the functions whose message is an argument of theirs.
var passedOn = []string{
	"services/complaint/complaint.go Once.Fails", "services/complaint/complaint.go Once.Works", "services/admin/trouble.go api.complain",
}

// logLines are the lines that may be written at info and above, "level message". What of a
// message is no constant is an ellipsis.
func logLines(s *source) (lines, complaints []string) {
	s.shipped(func(f goFile, d *ast.FuncDecl) {
		at := f.path + " " + funcName(d)
		ast.Inspect(d, func(n ast.Node) bool {
			message, level := speaks(n)
			switch {
			case message == nil || slices.Contains(passedOn, at):
			case constant(message) == "…":
				complaints = append(complaints, fmt.Sprintf("%s: a line of the log whose text is no constant", at))
			default:
				lines = append(lines, level+" "+constant(message))
			}
			return true
		})
	})
	slices.Sort(lines)
	return slices.Compact(lines), complaints
}

// speaks is the message that a call logs, and its level; nil if it is no such call.
func speaks(n ast.Node) (message ast.Expr, level string) {
	call, is := n.(*ast.CallExpr)
	if !is {
		return nil, ""
	}
	sel, is := call.Fun.(*ast.SelectorExpr)
	if !is {
		return nil, ""
	}
	how, known := speakers[sel.Sel.Name]
	if !known || how.arg >= len(call.Args) || how.arg == 0 && !isLog(sel.X) {
		return nil, ""
	}
	return call.Args[how.arg], how.level
}

// isLog reports whether an expression is a logger, by its name.
func isLog(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name == "log"
	case *ast.SelectorExpr:
		return x.Sel.Name == "log" || x.Sel.Name == "Log"
	}
	return false
}

// constant is a text as far as it is written in the source.
func constant(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(x.Value); err == nil && x.Kind == token.STRING {
			return text
		}
	case *ast.BinaryExpr:
		return constant(x.X) + constant(x.Y)
	}
	return "…"
}

var logRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (info|warn|error) \\| (.+) \\|$")

// logTable are the lines of the document's table.
func logTable(text string) (lines []string) {
	for _, m := range logRow.FindAllStringSubmatch(text, -1) {
		lines = append(lines, m[2]+" "+m[1])
	}
	return lines
}

func TestLogLines_All(t *testing.T) {
	s, err := parse(fstest.MapFS{"services/gateway/a.go": {Data: []byte(`package gateway
func (t *T) M() {
	t.cfg.Log.Warn("one", zap.Error(err))
	log.Info("two " + x.String(), nil)
	t.unfit.Fails(t.log, "three", err)
	log.Debug("not this")
	http.Error(w, "nor this", 1)
	t.log.Error(x)
}`)}})
	if err != nil {
		t.Fatal(err)
	}
	lines, complaints := logLines(s)
	if want := []string{"info two …", "warn one", "warn three"}; !slices.Equal(lines, want) {
		t.Errorf("got %q", lines)
	}
	wantOne(t, complaints, "no constant")
	table := logTable(strings.ReplaceAll("| 'two …' | info | what | \n| 'two …' | info | what it means |\n", "'", "`"))
	if !slices.Equal(table, lines[:1]) {
		t.Errorf("got %q", table)
	}
}

// TestDocs_Refusals holds that what clients are told with a 503, by the run-book, is what
// the server tells them.
func TestDocs_Refusals(t *testing.T) {
	_, book, _ := strings.Cut(document(t, "OPERATIONS.md"), "\n### Clients get 503\n")
	book, _, _ = strings.Cut(book, "\n### ")
	texts := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(book, -1)
	if len(texts) < 4 {
		t.Fatalf("it has %q", texts)
	}
	said := strings.Join(literals(repository(t)), "\n")
	for _, m := range texts {
		if !strings.Contains(said, m[1]) {
			t.Errorf("no text of the source has %q", m[1])
		}
	}
}

// literals are all texts in the source of presenced, as they stand there.
func literals(s *source) (all []string) {
	for _, f := range s.product() {
		for _, file := range f.files {
			if file.test {
				continue
			}
			ast.Inspect(file.ast, func(n ast.Node) bool {
				if l, is := n.(*ast.BasicLit); is && l.Kind == token.STRING {
					all = append(all, l.Value)
				}
				return true
			})
		}
	}
	return all
}
