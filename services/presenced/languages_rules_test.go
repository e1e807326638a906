package main

import (
	"strings"
	"testing"
)

// A README and its translation, with one of all that they are compared by.
const (
	sampleEnglish = "# P\n\n[x](README.pt-BR.md)\n\n## Start here\n\nWith `go` and 1,000 users, 0.14 KB each, see\n[Limits](#limits):\n\n" +
		"    $ go run . # now\n    ok\n\n    done\n\n```\na\n\n| b |\n```\n\n## Limits\n\n- one of them is that it `works` once\n  in 5 s\n- two\n\n" +
		"| variable | meaning | default |\n|---|---|---|\n| `A`, `B` | see [docs](docs/a.md#b) | `8080` |\n| `C` | any | |\n"
	samplePortuguese = "# P\n\n[x](README.md)\n\n## Comece aqui\n\nVeja [Limites](#limites): com 1.000 usuários e `go`, 0,14 KB cada:\n\n" +
		"    $ go run . # now\n    ok\n\n    done\n\n```\na\n\n| b |\n```\n\n## Limites\n\n- um deles é que em 5 s ele\n  `works` uma vez\n- dois\n\n" +
		"| variável | significado | padrão |\n|---|---|---|\n| `A`, `B` | veja [docs](docs/a.md#b) | `8080` |\n| `C` | qualquer um | |\n"
)

// What a translation may change is no complaint; what it may not is one, which says where.
func TestReadme_partings(t *testing.T) {
	if c := partings(sampleEnglish, samplePortuguese); len(c) > 0 {
		t.Fatalf("of a good translation: %q", c)
	}
	for name, tt := range map[string]struct {
		old, new string
		says     []string
	}{
		"heading left out":       {"## Limites\n", "", []string{"README.md:21 is a heading 2, \"Limits\"", "README.pt-BR.md:21 is a list item", "same parts"}},
		"level of a heading":     {"## Limites", "### Limites", []string{"heading 2", "heading 3"}},
		"a line of code":         {"    ok\n", "    certo\n", []string{"README.md:10", "README.pt-BR.md:9", "line 2 of the code", `"    ok" against "    certo"`}},
		"code translated":        {"# now", "# agora", []string{"line 1 of the code"}},
		"a line of code gone":    {"\n\n    done", "", []string{"the code has 4 lines against 2"}},
		"fenced code":            {"| b |", "| c |", []string{"| b |", "| c |"}},
		"paragraph added":        {"## Limites", "Mais.\n\n## Limites", []string{"heading 2", "paragraph"}},
		"item gone":              {"- dois\n", "", []string{"is a list item", "is a table row"}},
		"end missing":            {"| `C` | qualquer um | |\n", "", []string{"README.md:30 is a table row", "README.pt-BR.md:28 is its end"}},
		"link gone":              {"[Limites](#limites)", "Limites", []string{"links: only here [\"#\"], only there []"}},
		"link elsewhere":         {"docs/a.md#b", "docs/a.md#c", []string{"column 2", "docs/a.md#b", "docs/a.md#c"}},
		"number":                 {"5 s", "6 s", []string{`numbers: only here ["5"], only there ["6"]`}},
		"decimal number":         {"0,14", "0,15", []string{"numbers", "014", "015"}},
		"code in a text":         {"`works`", "`funciona`", []string{"works", "funciona"}},
		"default":                {"`8080`", "`9090`", []string{"column 3", "8080", "9090"}},
		"default that is gone":   {"| `8080` |", "| |", []string{"column 3"}},
		"default that is new":    {"| qualquer um | |", "| qualquer um | 1 |", []string{"column 3"}},
		"order of the variables": {"`A`, `B`", "`B`, `A`", []string{"column 1"}},
		"cell gone":              {" | `8080` |", " |", []string{"3 cells against 2"}},
		"meaning gone":           {"qualquer um", "", []string{"column 2: the translation is empty"}},
		"not translated":         {"um deles é que em 5 s ele\n  `works` uma vez", "one of them is that it `works` once in 5 s", []string{"not translated"}},
	} {
		t.Run(name, func(t *testing.T) {
			said := strings.Join(partings(sampleEnglish, strings.Replace(samplePortuguese, tt.old, tt.new, 1)), "\n")
			for _, want := range tt.says {
				if !strings.Contains(said, want) {
					t.Errorf("it says %q, want %q in it", said, want)
				}
			}
		})
	}
}
