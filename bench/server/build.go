package server

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"os/exec"
	"path/filepath"
)

// Build is a program that was built, and from what.
type Build struct {
	Path     string
	Go       string // the version of the compiler
	Commit   string // "unknown" if it was not built from a checkout
	Modified bool   // the checkout was not as committed
}

// NewBuild builds presenced from the checkout at root into the directory dir.
func NewBuild(ctx context.Context, root, dir string) (Build, error) {
	b := Build{Path: filepath.Join(dir, "presenced"), Commit: "unknown"}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=auto", "-o", b.Path, "./services/presenced") //nolint:gosec // the directory is the caller's
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return b, fmt.Errorf("go build ./services/presenced in %s: %w\n%s", root, err, out)
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
