package services

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxFile is the size in bytes that no file of the repository may exceed.
const maxFile = 1 << 20

// media are the kinds of files that documents may show and play, below docs only.
var media = []string{".opus", ".png", ".webp"}

// isMedia reports whether a path may be binary.
func isMedia(p string) bool {
	return strings.HasPrefix(p, "docs/") && slices.Contains(media, path.Ext(p))
}

// checkTopLevel holds that the root has no entry that a reader would wonder about.
func checkTopLevel(paths []string) (complaints []string) {
	var seen []string
	for _, p := range paths {
		entry, _, _ := strings.Cut(p, "/")
		if strings.HasPrefix(entry, ".") || slices.Contains(topLevel, entry) || slices.Contains(seen, entry) {
			continue
		}
		seen = append(seen, entry)
		complaints = append(complaints, fmt.Sprintf(
			"%s is at the top level: find it a place in the tree, or add it to topLevel in services/rules_test.go", entry))
	}
	return complaints
}

// checkFiles holds that no file is large, or binary unless it is of a document.
func checkFiles(fsys fs.FS, paths []string) (complaints []string, err error) {
	for _, p := range paths {
		why, err := unfit(fsys, p)
		if errors.Is(err, fs.ErrNotExist) {
			continue // tracked, and deleted in the work tree
		}
		if err != nil {
			return nil, err
		}
		if why != "" {
			complaints = append(complaints, p+" "+why)
		}
	}
	return complaints, nil
}

// unfit says why a file does not belong into the repository, "" if it may.
func unfit(fsys fs.FS, p string) (string, error) {
	f, err := fsys.Open(p)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read %s: %w", p, err)
	case len(head) > maxFile:
		return fmt.Sprintf("is larger than %d bytes", maxFile), nil
	case bytes.IndexByte(head, 0) >= 0 && !isMedia(p):
		return "is binary: make it when it is needed, from a source that can be read", nil
	}
	return "", nil
}

// checkModuleFile holds that a go.mod or go.sum is free of modules that belong elsewhere.
func checkModuleFile(name string, text []byte) (complaints []string) {
	for _, m := range foreignModules {
		if bytes.Contains(text, []byte(m)) {
			complaints = append(complaints, fmt.Sprintf("%s of the product has %s…: it belongs into a module of its own", name, m))
		}
	}
	return complaints
}
