package services

import (
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"
)

// sourceChecks are the rules on the text of the packages.
var sourceChecks = map[string]func(*source) []string{
	"imports":     checkImports,
	"owners":      checkOwners,
	"pure":        checkPure,
	"environment": checkEnvironment,
	"comments":    checkComments,
	"sleep":       checkSleep,
}

// TestTree_Source holds this repository to the rules.
func TestTree_Source(t *testing.T) {
	s, err := parse(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.product()); n < 5 {
		t.Fatalf("found %d packages: this is not the root of the repository", n)
	}
	for name, check := range sourceChecks {
		t.Run(name, func(t *testing.T) { report(t, check(s)) })
	}
}

// TestTree_TableHasNoDeadLines keeps the table of packages as short as the tree.
func TestTree_TableHasNoDeadLines(t *testing.T) {
	for dir := range packages {
		if matches, err := fs.Glob(os.DirFS(".."), dir+"/*.go"); err != nil || len(matches) == 0 {
			t.Errorf("the table packages of services/rules_test.go has %s, where there is no Go file (%v)", dir, err)
		}
	}
}

// TestTree_Files looks at every file that git tracks.
func TestTree_Files(t *testing.T) {
	root := os.DirFS("..")
	paths := tracked(t)
	report(t, checkTopLevel(paths))
	complaints, err := checkFiles(root, paths)
	if err != nil {
		t.Fatal(err)
	}
	report(t, complaints)
}

// TestTree_ModuleFiles keeps the modules of tests and comparisons out of the product.
func TestTree_ModuleFiles(t *testing.T) {
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		report(t, checkModuleFile(name, text))
	}
}

// tracked returns the paths that git tracks. The sources also come as an archive
// without git's data: there this test has nothing to look at.
func tracked(t *testing.T) []string {
	t.Helper()
	if _, err := os.Stat("../.git"); err != nil {
		t.Skip("not a checkout of git: no list of tracked files")
	}
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

func report(t *testing.T, complaints []string) {
	t.Helper()
	for _, c := range complaints {
		t.Error(c)
	}
}

// The rules themselves are held to small trees: each has one that it must complain
// about, beside one that it must let pass.

// clean is a tree that no rule complains about.
func clean() fstest.MapFS {
	return tree(map[string]string{
		"go.mod":                       "module " + productModule,
		"events/doc.go":                "// Package events is a fixture.\npackage events\nimport (\n\"time\"\n\"strings\"\n)\nvar _ time.Time\nvar _ = strings.ToLower\n",
		"events/x_test.go":             "package events_test\nimport (\n_ \"" + productModule + "/events\"\n_ \"pgregory.net/rapid\"\n_ \"os\"\n)\n",
		"services/boltstore/doc.go":    "// Package boltstore is a fixture.\npackage boltstore\nimport (\n_ \"go.etcd.io/bbolt\"\n_ \"" + productModule + "/events\"\n)\n",
		"services/presenced/main.go":   "// Command presenced is a fixture.\npackage main\nimport \"os\"\nvar _ = os.Getenv(\"X\")\n",
		"services/site/doc.go":         "// Package site is a fixture.\npackage site\n",
		"services/site/a_test.go":      "package site_test\n",
		"services/presenced/x_test.go": bubble("time.Sleep(1)", ""),
		"services/site/testdata/x.go":  "not Go at all",
		"bench/go.mod":                 "module bench",
		"bench/doc.go":                 "// Package bench is a fixture.\npackage bench\nimport _ \"go.etcd.io/bbolt\"\n",
	})
}

// bubble is a test file with one statement inside synctest.Test and one after it.
func bubble(inside, outside string) string {
	return "package main\nimport (\n\"testing\"\n\"testing/synctest\"\n\"time\"\n)\nvar _ time.Time\n" +
		"func TestX(t *testing.T) {\nsynctest.Test(t, func(t *testing.T) {\n" + inside + "\n})\n" + outside + "\n}\n"
}

func tree(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for p, text := range files {
		fsys[p] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func TestChecks_LetACleanTreePass(t *testing.T) {
	s, err := parse(clean())
	if err != nil {
		t.Fatal(err)
	}
	for name, check := range sourceChecks {
		t.Run(name, func(t *testing.T) { report(t, check(s)) })
	}
}

func TestChecks_Complain(t *testing.T) {
	ours := func(p string) string { return "import _ \"" + productModule + "/" + p + "\"\n" }
	tests := []struct {
		name, check string
		path, text  string // the one file that is added to the clean tree, or replaces one
		want        string // part of the only complaint
	}{
		{"a package without a line", "imports", "services/sessions/doc.go",
			"package sessions", "package services/sessions has no line in the table packages of services/rules_test.go"},
		{"an arrow that points up", "imports", "events/up.go",
			"package events\n" + ours("services/protocol"), "events/up.go imports services/protocol"},
		{"gateway imports a sibling", "imports", "services/gateway/x.go",
			"package gateway\n" + ours("services/session"), "services/gateway/x.go imports services/session"},
		{"clientctl imports the server", "imports", "clientctl/x.go",
			"package main\n" + ours("services/presence"), "clientctl/x.go imports services/presence"},
		{"a test's right used by code", "imports", "services/boltstore/x.go",
			"package boltstore\n" + ours("services/presence/storetest"), "services/boltstore/x.go imports services/presence/storetest"},
		{"a test without the right", "imports", "services/gateway/x_test.go",
			"package gateway\n" + ours("services/presence"), "services/gateway/x_test.go imports services/presence"},

		{"the driver outside mongostore", "owners", "services/presence/x.go",
			"package presence\nimport _ \"go.mongodb.org/mongo-driver/v2/bson\"", "only services/mongostore and services/mongostore/mongotest may"},
		{"bbolt in a test of another", "owners", "services/presence/x_test.go",
			"package presence\nimport _ \"go.etcd.io/bbolt\"", "only services/boltstore may"},
		{"a test module in code", "owners", "services/presence/x.go",
			"package presence\nimport _ \"go.uber.org/goleak\"", "it is for tests only"},

		{"events imports another's module", "pure", "events/x.go",
			"package events\nimport _ \"golang.org/x/sys/unix\"", "events imports the standard library only"},
		{"events does I/O", "pure", "events/x.go",
			"package events\nimport _ \"net/http\"", "events/x.go imports net/http: events is pure"},
		{"events reads the clock", "pure", "events/x.go",
			"package events\nimport clock \"time\"\nvar _ = clock.Now()", "events/x.go:3:9: time.Now reads the clock"},
		{"protocol starts a goroutine", "pure", "services/protocol/x.go",
			"package protocol\nfunc f() { go f() }", "services/protocol/x.go:2:12: a goroutine"},

		{"a library reads the environment", "environment", "services/mongostore/x.go",
			"package mongostore\nimport \"os\"\nvar _, _ = os.LookupEnv(\"X\")", "services/mongostore/x.go:3:12: LookupEnv reads the environment"},
		{"a library passes it on", "environment", "services/envflag/x.go",
			"package envflag\nimport \"os\"\nvar F = os.Getenv", "Getenv reads the environment"},

		{"no package comment", "comments", "services/auth/x.go",
			"package auth", "package services/auth has no package comment"},
		{"no package comment in a nested module", "comments", "bench/peers/x.go",
			"package peers", "package bench/peers has no package comment"},
		{"two package comments", "comments", "events/x.go",
			"// Package events is another.\npackage events", "in more than one file"},
		{"a comment about something else", "comments", "events/doc.go",
			"// TODO\npackage events", `does not begin with "Package events"`},
		{"a program's comment without its name", "comments", "services/presenced/main.go",
			"// Main.\npackage main", `does not begin with "Command presenced"`},

		{"a test sleeps", "sleep", "services/site/x_test.go",
			"package site\nimport \"time\"\nfunc f() { time.Sleep(1) }", "services/site/x_test.go:3:12: a test must not sleep"},
		{"a contract suite sleeps", "sleep", "services/presence/storetest/x.go",
			"package storetest\nimport \"time\"\nfunc f() { time.Sleep(1) }", "a test must not sleep"},
		{"a test sleeps after its bubble", "sleep", "services/presenced/x_test.go",
			bubble("", "time.Sleep(1)"), "a test must not sleep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fsys := clean()
			fsys[tt.path] = &fstest.MapFile{Data: []byte(tt.text)}
			s, err := parse(fsys)
			if err != nil {
				t.Fatal(err)
			}
			wantOne(t, sourceChecks[tt.check](s), tt.want)
		})
	}
}

func TestParse_BrokenFile(t *testing.T) {
	if _, err := parse(tree(map[string]string{"events/x.go": "package"})); err == nil {
		t.Error("a file that is no Go was let through")
	}
}

func TestCheckTopLevel_OddEntry(t *testing.T) {
	report(t, checkTopLevel([]string{"README.md", "events/doc.go", ".ci/run", ".golangci.yml"}))
	wantOne(t, checkTopLevel([]string{"go.mod", "scripts/a.sh", "scripts/b.sh"}), "scripts is at the top level")
}

func TestCheckFiles_UnfitFiles(t *testing.T) {
	fsys := tree(map[string]string{
		"fits":   strings.Repeat("x", maxFile),
		"large":  strings.Repeat("x", maxFile+1),
		"binary": "text, and then \x00",

		"docs/page.png":          "text, and then \x00",
		"docs/presenced":         "text, and then \x00",
		"services/site/page.png": "text, and then \x00",
		"docs/large.png":         strings.Repeat("\x00", maxFile+1),
	})
	for p, want := range map[string]string{
		"fits": "", "large": "large is larger than", "binary": "binary is binary", "deleted": "", "docs/page.png": "",
		"docs/presenced": "is binary", "services/site/page.png": "is binary", "docs/large.png": "is larger than",
	} {
		t.Run(p, func(t *testing.T) {
			got, err := checkFiles(fsys, []string{p})
			if err != nil {
				t.Fatal(err)
			}
			if want == "" {
				report(t, got)
				return
			}
			wantOne(t, got, want)
		})
	}
}

func TestCheckModuleFile_ForeignModule(t *testing.T) {
	report(t, checkModuleFile("go.mod", []byte("require go.uber.org/zap v1.28.0")))
	wantOne(t, checkModuleFile("go.mod", []byte("require github.com/FerretDB/FerretDB v1.24.2")), "go.mod of the product has github.com/FerretDB/")
}

// wantOne holds that there is exactly one complaint, and that it says want.
func wantOne(t *testing.T, got []string, want string) {
	t.Helper()
	if len(got) != 1 || !strings.Contains(got[0], want) {
		t.Errorf("got %q, want one complaint that contains %q", got, want)
	}
}
