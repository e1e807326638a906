package server

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
)

// Build is a program that was built, and from what.
type Build struct {
	Path     string
	Go       string // the version of the compiler
	Commit   string // "unknown" if it was not built from a checkout
	Modified bool   // the checkout was not as committed
}

// NewBuild builds the program of a package, as it is called in the module that root
// is in, into the directory dir.
func NewBuild(ctx context.Context, root, pkg, dir string) (Build, error) {
	b := Build{Path: filepath.Join(dir, path.Base(pkg)), Commit: "unknown"}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=auto", "-o", b.Path, pkg) //nolint:gosec // by the caller
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return b, fmt.Errorf("go build %s in %s: %w\n%s", pkg, root, err, out)
	}
	info, err := buildinfo.ReadFile(b.Path)
	if err != nil {
		return b, fmt.Errorf("read what was built: %w", err)
	}
	b.Go = info.GoVersion
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b, nil
}
