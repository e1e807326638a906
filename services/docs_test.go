package services

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

// The documents speak of the source: of files, functions, tests, goroutines and lines of
// the log. What they name is there, and where they say "every", every one is in them.

// document is the text of one of docs.
func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// parsed is this repository.
var parsed = sync.OnceValues(func() (*source, error) { return parse(os.DirFS("..")) })

// repository is this repository, parsed once for all tests, which only read it.
func repository(t *testing.T) *source {
	t.Helper()
	s, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDocs_Names holds that the code and the tests that the documents name are there.
func TestDocs_Names(t *testing.T) {
	s := repository(t)
	for name, least := range map[string]int{"ARCHITECTURE.md": 80, "OPERATIONS.md": 2, "DECISIONS.md": 5} {
		t.Run(name, func(t *testing.T) {
			complaints, n := checkNames(s, document(t, name))
			report(t, complaints)
			if n < least {
				t.Errorf("it names %d places of the code, and had at least %d: is it read rightly?", n, least)
			}
		})
	}
}

// TestDocs_Goroutines holds that the table of goroutines has each place of the product
// where one is started, and no other.
func TestDocs_Goroutines(t *testing.T) {
	s := repository(t)
	table := section(document(t, "ARCHITECTURE.md"), "Goroutines")
	report(t, checkBoth("docs/ARCHITECTURE.md, Goroutines", places(table), "the source", goroutines(s)))
}

// TestDocs_Times holds that the table of times has those of the source.
func TestDocs_Times(t *testing.T) {
	times := durations(repository(t))
	rows := timeRow.FindAllStringSubmatch(section(document(t, "ARCHITECTURE.md"), "Times"), -1)
	if len(rows) < 30 {
		t.Fatalf("the table has %d lines", len(rows))
	}
	for _, row := range rows {
		if d, is := times[row[2]+" "+row[3]]; !is || d.String() != row[1] {
			t.Errorf("docs/ARCHITECTURE.md: %s is %s, want %s", row[3], row[1], d)
		}
	}
}

// TestDocs_Mutants holds that the list of mutants has each mistake that the simulation is
// held to find, and no other.
func TestDocs_Mutants(t *testing.T) {
	_, list, _ := strings.Cut(section(document(t, "ARCHITECTURE.md"), "Invariants"), "### Mutants")
	var listed []string
	for _, m := range regexp.MustCompile(`(?m)^- (.*)$`).FindAllStringSubmatch(list, -1) {
		listed = append(listed, m[1])
	}
	report(t, checkBoth("docs/ARCHITECTURE.md, Mutants", listed, "services/presence/sim", mutants(repository(t))))
}

// TestDocs_Log holds that the table of the log has each line that the product may write
// at info and above, with its level, and no other.
func TestDocs_Log(t *testing.T) {
	found, complaints := logLines(repository(t))
	report(t, complaints)
	table := logTable(section(document(t, "OPERATIONS.md"), "The log"))
	report(t, checkBoth("docs/OPERATIONS.md, The log", table, "the source", found))
}

// TestDocs_Links holds that links between the documents lead somewhere, and that a long
// document begins with a list of its chapters.
func TestDocs_Links(t *testing.T) {
	root := os.DirFS("..")
	names, err := fs.Glob(root, "docs/*.md")
	if err != nil || len(names) < 4 {
		t.Fatal(names, err)
	}
	for _, name := range append(names, "README.md", "README.pt-BR.md") {
		report(t, checkLinks(root, name))
	}
	for _, name := range []string{"ARCHITECTURE.md", "OPERATIONS.md", "PROTOCOL.md"} {
		if got, want := contents(document(t, name)), headings(document(t, name)); !slices.Equal(got, want) {
			t.Errorf("docs/%s begins with the contents\n%q, and has the chapters\n%q", name, got, want)
		}
	}
}

// section is the text of a chapter, without its heading.
func section(text, title string) string {
	_, rest, _ := strings.Cut(text, "\n## "+title+"\n")
	chapter, _, _ := strings.Cut(rest, "\n## ")
	return chapter
}

// The documents' own rules are held to small examples, as the tree's are.

func TestCheckNames_Missing(t *testing.T) {
	s, err := parse(fstest.MapFS{
		"services/gateway/a.go":      {Data: []byte("package gateway\ntype T struct{ F int }\nfunc (t *T) M() { go t.M(); w.Go(t.M) }\nfunc (t *T) N(a, b int)\n")},
		"services/gateway/a_test.go": {Data: []byte("package gateway\nfunc TestT_M_fails() {}\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	good := "`services/gateway/a.go` `T`, `T.M` and `T.N`, `gateway.T.F`, TestT_M and `else.Where`"
	if complaints, n := checkNames(s, good); len(complaints) != 0 || n != 7 {
		t.Errorf("%d names, %q", n, complaints)
	}
	for _, bad := range []string{"`services/gateway/b.go`", "`services/gateway/a.go` `T.X`", "`gateway.T.X`", "TestX"} {
		complaints, _ := checkNames(s, bad)
		wantOne(t, complaints, "the source has no ")
	}
	want := []string{"services/gateway/a.go T.M", "services/gateway/a.go T.M"}
	if got := goroutines(s); !slices.Equal(got, want) {
		t.Errorf("goroutines %q", got)
	}
	wantOne(t, checkBoth("one", want[:1], "other", want), "other has")
	wantOne(t, checkBoth("one", []string{"x"}, "other", nil), `one has "x"`)
}
