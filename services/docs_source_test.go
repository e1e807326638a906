package services

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	// A Go file, and the names in it that follow: `a/b.go` `F`, `T.m` and `G`.
	place = regexp.MustCompile("`([a-z_0-9/]+\\.go)`((?:,? (?:and )?`[A-Za-z_0-9.]+`)*)")
	// A name of a package: `presence.Member`, `presence.Member.Admit`.
	member   = regexp.MustCompile("`([a-z]+)\\.([A-Z]\\w*(?:\\.\\w+)?)`")
	testName = regexp.MustCompile(`\b(?:Test|Benchmark|Fuzz)[A-Z]\w*`)
	quotedIn = regexp.MustCompile("`([^`]+)`")
)

// places are the functions that a text names behind a file, each as often as it does.
func places(text string) (all []string) {
	for _, m := range place.FindAllStringSubmatch(text, -1) {
		for _, f := range quotedIn.FindAllStringSubmatch(m[2], -1) {
			first, _, _ := strings.Cut(f[1], ".")
			if !strings.HasSuffix(f[1], ".go") && !packageNames[first] { // that is another place
				all = append(all, m[1]+" "+f[1])
			}
		}
	}
	return all
}

// checkNames complains of what a text names and the source does not have. n is how many
// names it looked at.
func checkNames(s *source, text string) (complaints []string, n int) {
	files, declared, tests := declarations(s)
	miss := func(what string) { complaints = append(complaints, "the source has no "+what) }
	for _, m := range place.FindAllStringSubmatch(text, -1) {
		if n++; !files[m[1]] {
			miss(m[1])
		}
	}
	for _, p := range places(text) {
		if n++; !declared[p] {
			miss(p)
		}
	}
	for _, m := range member.FindAllStringSubmatch(text, -1) {
		if n++; packageNames[m[1]] && !declared[m[1]+" "+m[2]] {
			miss(m[1] + "." + m[2])
		}
	}
	for _, name := range testName.FindAllString(text, -1) {
		if n++; !slices.ContainsFunc(tests, func(t string) bool { return strings.HasPrefix(t, name) }) {
			miss(name)
		}
	}
	return complaints, n
}

// packageNames are the packages whose names a document uses without a path.
var packageNames = map[string]bool{
	"events": true, "presence": true, "gateway": true, "session": true, "protocol": true, "roster": true, "auth": true,
	"remote": true, "headcount": true, "fibonacci": true, "timepush": true, "webhook": true, "complaint": true,
	"boltstore": true, "mongostore": true, "admin": true,
}

// declarations are the files, what each declares ("a/b.go T.m", and "pkg T.m" for its
// package), and the names of all tests.
func declarations(s *source) (files, declared map[string]bool, tests []string) {
	files, declared = make(map[string]bool), make(map[string]bool)
	for _, f := range s.packages {
		for _, file := range f.files {
			files[file.path] = true
			for _, name := range file.declares() {
				declared[file.path+" "+name] = true
				declared[path.Base(f.dir)+" "+name] = true
				if file.test {
					tests = append(tests, name)
				}
			}
		}
	}
	return files, declared, tests
}

// declares are the names of a file's functions, methods (T.m), types, fields and methods
// of types (T.f), constants and variables.
func (f goFile) declares() (names []string) {
	for _, d := range f.ast.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			names = append(names, funcName(d))
		case *ast.GenDecl:
			for _, s := range d.Specs {
				names = append(names, specNames(s)...)
			}
		}
	}
	return names
}

func specNames(s ast.Spec) (names []string) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, n := range s.Names {
			names = append(names, n.Name)
		}
	case *ast.TypeSpec:
		names = append(names, s.Name.Name)
		var fields *ast.FieldList
		switch t := s.Type.(type) {
		case *ast.StructType:
			fields = t.Fields
		case *ast.InterfaceType:
			fields = t.Methods
		}
		if fields == nil {
			break
		}
		for _, f := range fields.List {
			for _, n := range f.Names {
				names = append(names, s.Name.Name+"."+n.Name)
			}
		}
	}
	return names
}

// funcName is the name of a function, or T.m of a method.
func funcName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	if p, is := t.(*ast.StarExpr); is {
		t = p.X
	}
	if id, is := t.(*ast.Ident); is {
		return id.Name + "." + d.Name.Name
	}
	return d.Name.Name
}

// shipped calls see for each function of presenced, and of what it is made of.
func (s *source) shipped(see func(f goFile, d *ast.FuncDecl)) {
	for _, f := range s.product() {
		if !within(f.dir, "services") && f.dir != "events" || slices.Contains(testSupport, f.dir) {
			continue
		}
		for _, file := range f.files {
			if file.test {
				continue
			}
			for _, d := range file.ast.Decls {
				if d, is := d.(*ast.FuncDecl); is && d.Body != nil {
					see(file, d)
				}
			}
		}
	}
}

// goroutines are the places where one is started, as a table names them: once for each.
func goroutines(s *source) (all []string) {
	s.shipped(func(f goFile, d *ast.FuncDecl) {
		ast.Inspect(d, func(n ast.Node) bool {
			starts := false
			switch n := n.(type) {
			case *ast.GoStmt:
				starts = true
			case *ast.CallExpr: // of a sync.WaitGroup
				sel, is := n.Fun.(*ast.SelectorExpr)
				starts = is && sel.Sel.Name == "Go" && len(n.Args) == 1
			}
			if starts {
				all = append(all, f.path+" "+funcName(d))
			}
			return true
		})
	})
	return all
}

var timeRow = regexp.MustCompile("(?m)^\\| .* \\| ([0-9a-z.]+) \\| `([^`]+)` `([^`]+)` \\|$")

// durations are the constants of type time.Duration, by file and name.
func durations(s *source) map[string]time.Duration {
	all := make(map[string]time.Duration)
	for _, f := range s.product() {
		for _, file := range f.files {
			for _, d := range file.ast.Decls {
				if d, is := d.(*ast.GenDecl); is && d.Tok == token.CONST {
					addDurations(all, file.path, d)
				}
			}
		}
	}
	return all
}

func addDurations(all map[string]time.Duration, file string, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		v, is := spec.(*ast.ValueSpec)
		if !is || len(v.Values) != len(v.Names) {
			continue
		}
		for i, name := range v.Names {
			if d := nanoseconds(v.Values[i]); d > 0 {
				all[file+" "+name.Name] = time.Duration(d)
			}
		}
	}
}

// nanoseconds is the value of 10 * time.Second and its like; 0: it is something else.
func nanoseconds(x ast.Expr) int64 {
	switch x := x.(type) {
	case *ast.BasicLit:
		n, _ := strconv.ParseInt(x.Value, 10, 64)
		return n
	case *ast.BinaryExpr:
		if x.Op == token.MUL {
			return nanoseconds(x.X) * nanoseconds(x.Y)
		}
	case *ast.SelectorExpr:
		return map[string]time.Duration{
			"Millisecond": time.Millisecond, "Second": time.Second, "Minute": time.Minute, "Hour": time.Hour,
		}[x.Sel.Name].Nanoseconds()
	}
	return 0
}

// mutants are the names of the simulation's mutants.
func mutants(s *source) (names []string) {
	for _, f := range s.folder("services/presence/sim").files {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			field, is := n.(*ast.KeyValueExpr)
			if !is || path.Base(f.path) != "mutants_test.go" {
				return true
			}
			if key, is := field.Key.(*ast.Ident); is && key.Name == "name" {
				names = append(names, constant(field.Value))
			}
			return true
		})
	}
	return names
}

// checkBoth complains of what the one list has and the other has not, or not as often.
func checkBoth(oneName string, one []string, otherName string, other []string) (complaints []string) {
	count := make(map[string]int)
	for _, x := range one {
		count[x]++
	}
	for _, x := range other {
		count[x]--
	}
	for x, n := range count {
		switch {
		case n > 0:
			complaints = append(complaints, fmt.Sprintf("%s has %q, %s has not, or %d fewer", oneName, x, otherName, n))
		case n < 0:
			complaints = append(complaints, fmt.Sprintf("%s has %q, %s has not, or %d fewer", otherName, x, oneName, -n))
		}
	}
	slices.Sort(complaints)
	return complaints
}
