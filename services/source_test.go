package services

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// source is every Go file of the repository, parsed, those of its nested modules too.
type source struct {
	fset     *token.FileSet
	packages []*folder
}

// folder is a directory that has Go files.
type folder struct {
	dir    string // from the root of the repository, with slashes; "." is the root
	module string // the directory of the module that it belongs to
	files  []goFile
}

// goFile is one parsed file.
type goFile struct {
	path string
	test bool // its name ends in _test.go
	ast  *ast.File
}

// parse reads all Go files under fsys. It passes over testdata and over names that
// begin with a dot or an underscore, as the go command does.
func parse(fsys fs.FS) (*source, error) {
	s := &source{fset: token.NewFileSet()}
	modules := []string{"."}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return skipped(p)
		case path.Base(p) == "go.mod":
			modules = append(modules, path.Dir(p))
		case path.Ext(p) == ".go":
			return s.add(fsys, p)
		}
		return nil
	})
	for _, f := range s.packages {
		f.module = moduleOf(f.dir, modules)
	}
	return s, err
}

// skipped is fs.SkipDir for a directory without sources.
func skipped(dir string) error {
	name := path.Base(dir)
	hidden := name != "." && strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
	if hidden || name == "testdata" || name == "node_modules" {
		return fs.SkipDir
	}
	return nil
}

// add parses one file into its folder.
func (s *source) add(fsys fs.FS, p string) error {
	text, err := fs.ReadFile(fsys, p)
	if err != nil {
		return err
	}
	parsed, err := parser.ParseFile(s.fset, p, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("parse: %w", err)
	}
	f := s.folder(path.Dir(p))
	f.files = append(f.files, goFile{path: p, test: strings.HasSuffix(p, "_test.go"), ast: parsed})
	return nil
}

// folder returns the folder of dir, a new one if it is not known yet.
func (s *source) folder(dir string) *folder {
	i := slices.IndexFunc(s.packages, func(f *folder) bool { return f.dir == dir })
	if i >= 0 {
		return s.packages[i]
	}
	f := &folder{dir: dir}
	s.packages = append(s.packages, f)
	return f
}

// product returns the folders of the module at the root: what the product is.
func (s *source) product() []*folder {
	return slices.DeleteFunc(slices.Clone(s.packages), func(f *folder) bool { return f.module != "." })
}

// moduleOf returns the innermost of modules that holds dir.
func moduleOf(dir string, modules []string) string {
	best := "."
	for _, m := range modules {
		if len(m) > len(best) && within(dir, m) {
			best = m
		}
	}
	return best
}

// within says whether dir is root or below it.
func within(dir, root string) bool {
	return dir == root || strings.HasPrefix(dir, root+"/")
}

// imports returns the import paths of a file.
func (f goFile) imports() []string {
	paths := make([]string, 0, len(f.ast.Imports))
	for _, spec := range f.ast.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic(errors.New("the parser let an unquoted import path through: " + spec.Path.Value))
		}
		paths = append(paths, p)
	}
	return paths
}

// localName is the name by which a file speaks of an imported package, "" if it
// does not import it.
func (f goFile) localName(importPath string) string {
	for _, spec := range f.ast.Imports {
		if p, _ := strconv.Unquote(spec.Path.Value); p != importPath {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(importPath)
	}
	return ""
}

// uses returns where under n the file names one of the members of an imported
// package, in a call or otherwise. It goes by names: a local variable that hides
// the package's name would be taken for it.
func (f goFile) uses(n ast.Node, importPath string, members ...string) []*ast.SelectorExpr {
	local := f.localName(importPath)
	if local == "" {
		return nil
	}
	var found []*ast.SelectorExpr
	ast.Inspect(n, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == local && slices.Contains(members, sel.Sel.Name) {
			found = append(found, sel)
		}
		return true
	})
	return found
}
