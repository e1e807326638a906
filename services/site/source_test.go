package site_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// forbidden is what no file of a page may have, and why.
var forbidden = []struct {
	pattern, why string
	in           []string // extensions; none: all
}{
	{`innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|setHTML|srcdoc`, "makes HTML of a text, which may be a stranger's", []string{".js", ".html"}},
	{`\beval\b|new Function|import\(`, "makes code of a text", []string{".js"}},
	{`(?i)<script(\s+type="module")?>|\son[a-z]+\s*=\s*["']|javascript:`, "is an inline script, which the policy forbids", []string{".html", ".svg"}},
	{`(?i)<style|\sstyle\s*=`, "is an inline style, which the policy forbids", []string{".html", ".svg"}},
	{`(?i)(src|href|url|from|import)\s*[=(]?\s*["'(](https?:)?//`, "asks another origin", nil},
	{`@import|@font-face`, "loads what may be elsewhere", []string{".css"}},
	{`localStorage\.setItem\([^)]*[tT]oken`, "keeps a token", []string{".js"}},
	{`setAttribute\(\s*["'](style|on)`, "is an inline style or script, which the policy forbids", []string{".js"}},
}

// Nothing of a page can make HTML of a text or reach beyond its origin. The policy of the
// headers forbids it too; this also says where.
func TestAssets_AreTame(t *testing.T) {
	paths, err := filepath.Glob("assets/*")
	if err != nil || len(paths) < 5 {
		t.Fatalf("found %d assets: %v", len(paths), err)
	}
	own, err := filepath.Glob("operator/*")
	if err != nil || len(own) < 5 {
		t.Fatalf("found %d files of operators: %v", len(own), err)
	}
	paths = append(paths, own...)
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, complaint := range wild(filepath.Ext(p), string(text)) {
			t.Errorf("%s: %s", p, complaint)
		}
	}
}

// wild is what is forbidden in a text.
func wild(ext, text string) (complaints []string) {
	for _, f := range forbidden {
		if f.in != nil && !strings.Contains(strings.Join(f.in, " ")+" ", ext+" ") {
			continue
		}
		if found := regexp.MustCompile(f.pattern).FindString(text); found != "" {
			complaints = append(complaints, found+" "+f.why)
		}
	}
	return complaints
}

func TestWild(t *testing.T) {
	tests := []struct{ ext, text string }{
		{".js", "node.innerHTML = name"},
		{".js", "document.write(name)"},
		{".js", "eval(name)"},
		{".js", `import x from "https://cdn.example/x.js"`},
		{".js", `localStorage.setItem("presence.token", token)`},
		{".js", `node.setAttribute("style", "color: red")`},
		{".html", `<img src="x" onerror="alert(1)">`},
		{".html", "<script>alert(1)</script>"},
		{".html", `<p style="color: red">`},
		{".html", `<link rel="stylesheet" href="//cdn.example/x.css">`},
		{".css", `body { background: url("https://cdn.example/x.png") }`},
		{".css", `@import "other.css";`},
	}
	for _, tt := range tests {
		if len(wild(tt.ext, tt.text)) == 0 {
			t.Errorf("%s %q was let through", tt.ext, tt.text)
		}
	}
	if got := wild(".js", `node.textContent = name; import { a } from "./b.js"; shape("http://www.w3.org/2000/svg")`); len(got) > 0 {
		t.Errorf("complained about what is tame: %q", got)
	}
}

// A page names all modules that it will need, so that a browser fetches them at once and
// not one after the other, as it finds them.
func TestPage_preloads_its_modules(t *testing.T) {
	page, err := os.ReadFile("assets/page.html")
	if err != nil {
		t.Fatal(err)
	}
	named := matches(`rel="modulepreload" href="assets/([^"]+)"`, string(page))
	var needed []string
	for todo := []string{"main.js"}; len(todo) > 0; todo = todo[1:] {
		text, err := os.ReadFile(filepath.Join("assets", todo[0]))
		if err != nil {
			t.Fatal(err)
		}
		for _, module := range matches(`(?m)from "\./([^"]+)"`, string(text)) {
			if !slices.Contains(needed, module) {
				needed, todo = append(needed, module), append(todo, module)
			}
		}
	}
	slices.Sort(needed)
	if !slices.Equal(named, needed) {
		t.Errorf("page.html names\n%q\nand needs\n%q", named, needed)
	}
}

// matches are the first groups of all matches.
func matches(pattern, text string) (all []string) {
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}
