package site

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"time"
)

// contentTypes are those of the files that there may be. What the operating system takes
// an extension for is no concern of a page.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// file is one of the files that are served. It is static after construction.
type file struct {
	name        string
	contentType string
	tag         string // the entity tag, with its quotes
	content     []byte
}

var _ http.Handler = (*file)(nil)

// readFiles reads a folder, by the names in it. It panics about a file that cannot be
// served: they are embedded, so a test finds out.
func readFiles(fsys fs.FS, dir string) map[string]*file {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		panic(fmt.Errorf("embedded files: %w", err))
	}
	all := make(map[string]*file, len(entries))
	for _, e := range entries {
		content, err := fs.ReadFile(fsys, path.Join(dir, e.Name()))
		if err != nil {
			panic(fmt.Errorf("embedded files: %w", err))
		}
		all[e.Name()] = newFile(e.Name(), content)
	}
	return all
}

func newFile(name string, content []byte) *file {
	kind, known := contentTypes[path.Ext(name)]
	if !known {
		panic(fmt.Sprintf("embedded file %s: no content type is known for it", name))
	}
	sum := sha256.Sum256(content)
	return &file{
		name: name, contentType: kind, content: content,
		tag: `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`,
	}
}

// isPage says whether a file is a document of its own.
func (f *file) isPage() bool { return path.Ext(f.name) == ".html" }

// ServeHTTP serves the file. A browser may keep it, but has to ask each time whether it is
// still the same (304): names do not change with the content, and modules of two versions
// must not meet.
func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	secure(h)
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", f.tag)
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.content))
}
