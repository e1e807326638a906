package services

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
)

// productModule is the import path of the root.
const productModule = "github.com/presenced/presence"

// reach is what one package may import of this module.
type reach struct {
	code  []string // by all of its files
	tests []string // by its tests besides
}

// packages has a line for each package of the product: the import order. Think
// before you widen a line: an arrow that points up or sideways here is a design
// change, and docs/ARCHITECTURE.md and docs/DECISIONS.md are to say so too.
var packages = map[string]reach{
	"events":            {},
	"services/protocol": {code: []string{"events"}},
	"services/envflag":  {},
	"services":          {},

	"services/buildinfo": {},

	"services/complaint": {},

	"services/auth":      {code: []string{"events", "services/protocol"}},
	"services/timepush":  {code: []string{"events", "services/protocol"}},
	"services/fibonacci": {code: []string{"events", "services/protocol"}},
	"services/presence": {
		code:  []string{"events", "services/protocol"},
		tests: []string{"services/presence/storetest", "services/boltstore"},
	},
	"services/presence/roster": {
		code:  []string{"events", "services/presence", "services/protocol"},
		tests: []string{"services/presence/storetest", "services/boltstore"},
	},
	"services/presence/storetest": {code: []string{"events", "services/presence"}},
	"services/presence/sim":       {tests: []string{"events", "services/presence", "services/presence/storetest"}},

	"services/webhook": {
		code:  []string{"events", "services/complaint", "services/presence"},
		tests: []string{"services/presence/storetest"},
	},

	"services/boltstore": {
		code:  []string{"events", "services/presence"},
		tests: []string{"services/presence/storetest"},
	},
	"services/mongostore": {
		code:  []string{"events", "services/presence"},
		tests: []string{"services/presence/storetest", "services/mongostore/mongotest"},
	},
	"services/mongostore/mongotest": {},

	"services/gateway":   {},
	"services/remote":    {},
	"services/headcount": {},
	"services/session":   {code: beneathPresenced, tests: []string{"services/presence/storetest"}},
	"services/admin":     {code: beneathPresenced, tests: []string{"services/presence/storetest"}},
	"services/site":      {code: beneathPresenced},

	"services/presenced": {
		code: append([]string{
			"services/admin", "services/boltstore", "services/buildinfo", "services/envflag", "services/gateway",
			"services/headcount", "services/mongostore", "services/remote", "services/session", "services/site", "services/webhook",
		}, beneathPresenced...),
		tests: []string{"services/mongostore/mongotest", "services/presenced/witness"},
	},
	"services/presenced/witness": {code: []string{"events", "services/protocol"}},

	"clientctl": {
		code: append([]string{
			"clientctl/api", "clientctl/console", "clientctl/fault", "clientctl/load", "clientctl/load/report", "clientctl/manual", "clientctl/mint", "clientctl/online", "clientctl/operate", "clientctl/past", "clientctl/refresh", "clientctl/table", "clientctl/talk", "clientctl/terminal", "clientctl/wire",
		}, beneathClientctl...),
		tests: []string{"clientctl/scripted"},
	},
	"clientctl/talk": {
		code:  append([]string{"clientctl/fault", "clientctl/table", "clientctl/terminal", "clientctl/wire"}, beneathClientctl...),
		tests: []string{"clientctl/scripted"},
	},
	"clientctl/console": {
		code: append([]string{"clientctl/lineedit", "clientctl/talk", "clientctl/terminal"}, beneathClientctl...),
	},
	"clientctl/lineedit": {code: []string{"clientctl/terminal"}},

	"clientctl/api": {code: append([]string{"clientctl/fault", "clientctl/terminal"}, beneathClientctl...)},
	"clientctl/online": {
		code:  append([]string{"clientctl/api", "clientctl/table", "clientctl/terminal"}, beneathClientctl...),
		tests: []string{"clientctl/fault"},
	},
	"clientctl/operate": {
		code: append([]string{"clientctl/api", "clientctl/fault", "clientctl/online", "clientctl/table", "clientctl/terminal"}, beneathClientctl...),
	},
	"clientctl/past": {
		code: append([]string{"clientctl/api", "clientctl/fault", "clientctl/online", "clientctl/refresh", "clientctl/table"}, beneathClientctl...),
	},
	"clientctl/wire": {
		code:  append([]string{"clientctl/fault", "clientctl/terminal"}, beneathClientctl...),
		tests: []string{"clientctl/scripted"},
	},
	"clientctl/load": {
		code:  append([]string{"clientctl/fault", "clientctl/load/report", "clientctl/wire"}, beneathClientctl...),
		tests: []string{"clientctl/scripted"},
	},
	"clientctl/load/report": {code: []string{"clientctl/terminal"}},

	"clientctl/refresh": {code: []string{"clientctl/fault", "clientctl/table", "clientctl/terminal"}},
	"clientctl/table":   {code: []string{"clientctl/terminal"}},

	"clientctl/manual":   {},
	"clientctl/mint":     {},
	"clientctl/scripted": {code: beneathClientctl},
	"clientctl/fault":    {},
	"clientctl/terminal": {},
}

// beneathPresenced are the layers under the parts that presenced joins.
var beneathPresenced = []string{
	"events", "services/auth", "services/complaint", "services/fibonacci", "services/presence", "services/presence/roster", "services/protocol", "services/timepush",
}

// beneathClientctl is all that the command line shares with the server.
var beneathClientctl = []string{"events", "services/buildinfo", "services/envflag", "services/protocol"}

// owners says which packages alone may import a module of others: what it brings
// along stays behind them.
var owners = map[string][]string{
	"go.mongodb.org/mongo-driver":          {"services/mongostore", "services/mongostore/mongotest"},
	"go.etcd.io/bbolt":                     {"services/boltstore"},
	"github.com/MicahParks/jwkset":         {"services/auth"},
	"github.com/clipperhouse/displaywidth": {"clientctl/terminal"},
}

// testModules are for tests and for testSupport, never for code that ships.
var testModules = []string{
	"github.com/creack/pty", "github.com/prometheus/client_golang/prometheus/testutil", "github.com/rogpeppe/go-internal", "go.uber.org/goleak", "pgregory.net/rapid",
}

// testSupport are packages that only tests import.
var testSupport = []string{
	"clientctl/scripted", "services/mongostore/mongotest", "services/presence/storetest", "services/presenced/witness",
}

// environmentReaders are the programs, and what asks for a database to test
// against. Everything else is told its configuration.
var environmentReaders = []string{"services/presenced", "clientctl", "services/mongostore/mongotest"}

// purePackages are values and functions of values: no I/O, clock or goroutine.
var purePackages = []string{"events", "services/protocol"}

// foreignModules must not be in the product's go.mod: they belong to the modules
// of tests and of comparisons, which have their own.
var foreignModules = []string{"github.com/FerretDB/", "github.com/charmbracelet/", "github.com/chromedp/", "github.com/getkin/", "github.com/Shopify/", "github.com/compose-spec/", "github.com/moby/", "github.com/santhosh-tekuri/"}

// topLevel are the entries that the root may have, besides names with a dot in front.
var topLevel = []string{
	"CHANGELOG.md", "Dockerfile", "README.md", "README.pt-BR.md", "bench", "clientctl",
	"docker-compose.yml", "docs", "events", "go.mod", "go.sum", "services",
}

// checkImports holds the import order, and that every package has its line in it.
func checkImports(s *source) (complaints []string) {
	for _, f := range s.product() {
		may, known := packages[f.dir]
		if !known {
			complaints = append(complaints, fmt.Sprintf(
				"package %s has no line in the table packages of services/rules_test.go: add it there, with what it may import", f.dir))
			continue
		}
		for _, file := range f.files {
			complaints = append(complaints, may.violations(f.dir, file)...)
		}
	}
	return complaints
}

// violations are the imports of one file that its package has no right to.
func (r reach) violations(dir string, f goFile) (complaints []string) {
	for _, p := range f.imports() {
		target, ours := strings.CutPrefix(p, productModule+"/")
		switch {
		case !ours || slices.Contains(r.code, target):
		case f.test && (target == dir || slices.Contains(r.tests, target)):
		default:
			complaints = append(complaints, fmt.Sprintf(
				"%s imports %s: the table packages of services/rules_test.go does not let %s", f.path, target, dir))
		}
	}
	return complaints
}

// checkOwners holds who may import the modules that have an owner, and that test
// modules stay in tests.
func checkOwners(s *source) (complaints []string) {
	for _, f := range s.product() {
		for _, file := range f.files {
			for _, p := range file.imports() {
				if why := f.denied(file, p); why != "" {
					complaints = append(complaints, fmt.Sprintf("%s imports %s: %s", file.path, p, why))
				}
			}
		}
	}
	return complaints
}

// denied says why a file may not import p, "" if it may.
func (f *folder) denied(file goFile, p string) string {
	for module, who := range owners {
		if within(p, module) && !slices.Contains(who, f.dir) {
			return "only " + strings.Join(who, " and ") + " may"
		}
	}
	inTest := file.test || slices.Contains(testSupport, f.dir)
	if !inTest && slices.ContainsFunc(testModules, func(m string) bool { return within(p, m) }) {
		return "it is for tests only"
	}
	return ""
}

// checkPure holds that events imports nothing but the standard library, and that
// the pure packages touch no clock, no I/O and no goroutine.
func checkPure(s *source) (complaints []string) {
	for _, f := range s.product() {
		if !slices.Contains(purePackages, f.dir) {
			continue
		}
		for _, file := range f.files {
			if !file.test {
				complaints = append(complaints, impurities(s, f.dir, file)...)
			}
		}
	}
	return complaints
}

// impurities are the lines of a file that reach beyond its arguments.
func impurities(s *source, dir string, f goFile) (complaints []string) {
	for _, p := range f.imports() {
		root, _, _ := strings.Cut(p, "/")
		switch {
		case slices.Contains([]string{"os", "net", "log", "syscall", "database", "sync"}, root):
			complaints = append(complaints, fmt.Sprintf("%s imports %s: %s is pure", f.path, p, dir))
		case dir == "events" && strings.Contains(root, "."):
			complaints = append(complaints, fmt.Sprintf("%s imports %s: events imports the standard library only", f.path, p))
		}
	}
	for _, use := range f.uses(f.ast, "time", "Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick") {
		complaints = append(complaints, fmt.Sprintf("%s: time.%s reads the clock: %s is pure", s.fset.Position(use.Pos()), use.Sel.Name, dir))
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if g, ok := n.(*ast.GoStmt); ok {
			complaints = append(complaints, fmt.Sprintf("%s: a goroutine: %s is pure", s.fset.Position(g.Pos()), dir))
		}
		return true
	})
	return complaints
}

// checkEnvironment holds that only the programs read the environment.
func checkEnvironment(s *source) (complaints []string) {
	for _, f := range s.product() {
		if slices.Contains(environmentReaders, f.dir) {
			continue
		}
		for _, file := range f.files {
			if file.test {
				continue
			}
			found := file.uses(file.ast, "os", "Getenv", "LookupEnv", "Environ", "ExpandEnv")
			found = append(found, file.uses(file.ast, "syscall", "Getenv", "Environ")...)
			for _, use := range found {
				complaints = append(complaints, fmt.Sprintf(
					"%s: %s reads the environment: only %s may; take the value as an argument",
					s.fset.Position(use.Pos()), use.Sel.Name, strings.Join(environmentReaders, ", ")))
			}
		}
	}
	return complaints
}

// checkComments holds that every package, of every module, says what it is for, in
// one place.
func checkComments(s *source) (complaints []string) {
	for _, f := range s.packages {
		var docs []string
		name := "" // stays so where there are only tests
		for _, file := range f.files {
			if file.test {
				continue
			}
			name = file.ast.Name.Name
			if file.ast.Doc != nil {
				docs = append(docs, file.ast.Doc.Text())
			}
		}
		if why := badComment(f.dir, name, docs); name != "" && why != "" {
			complaints = append(complaints, fmt.Sprintf("package %s %s", f.dir, why))
		}
	}
	return complaints
}

// badComment says what is wrong with the comments over a package's clauses.
func badComment(dir, name string, docs []string) string {
	switch len(docs) {
	case 0:
		return "has no package comment: write what it is for, its concurrency, and what it refuses to know, in doc.go"
	case 1:
	default:
		return "has a package comment in more than one file"
	}
	want := []string{"Package " + name + " "}
	if name == "main" {
		program := path.Base(dir)
		want = []string{"Command " + program + " ", strings.ToUpper(program[:1]) + program[1:] + " "}
	}
	if !slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(docs[0], w) }) {
		return fmt.Sprintf("has a comment that does not begin with %q", strings.TrimSpace(want[0]))
	}
	return ""
}

// checkSleep holds that no test waits for time to pass. Inside synctest.Test time
// is virtual and Sleep the way to let it pass, so there it may.
func checkSleep(s *source) (complaints []string) {
	for _, f := range s.packages {
		for _, file := range f.files {
			if !file.test && !slices.Contains(testSupport, f.dir) {
				continue
			}
			for _, use := range file.uses(file.ast, "time", "Sleep") {
				if !file.inBubble(use) {
					complaints = append(complaints, fmt.Sprintf(
						"%s: a test must not sleep: wait for what it waits for, or use synctest.Test", s.fset.Position(use.Pos())))
				}
			}
		}
	}
	return complaints
}

// inBubble says whether a node stands among the arguments of a call of synctest.Test.
func (f goFile) inBubble(n ast.Node) bool {
	local, found := f.localName("testing/synctest"), false
	if local == "" {
		return false
	}
	ast.Inspect(f.ast, func(outer ast.Node) bool {
		call, ok := outer.(*ast.CallExpr)
		if ok && len(f.uses(call.Fun, "testing/synctest", "Test")) > 0 && call.Lparen < n.Pos() && n.End() <= call.Rparen {
			found = true
		}
		return !found
	})
	return found
}
