package table_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/presenced/presence/clientctl/table"
	"github.com/presenced/presence/clientctl/terminal"
	"pgregory.net/rapid"
)

var columns = []table.Column{
	{Head: "USER", Kind: table.Text, Rank: 2},
	{Head: "SINCE", Kind: table.Fixed},
	{Head: "CONNECTIONS", Kind: table.Number, Rank: 1},
	{Head: "NODES", Kind: table.Text},
	{Head: "CONNECTION", Kind: table.ID, Rank: 2},
}

func filled() *table.Table {
	t := table.New(columns...)
	t.Add(table.Of("東京 anabel"), table.Short("2026-11-23 10:00:00", "10:00:00"), table.Count(12345678), table.Of("web1 web2 web3"), table.Of("n1/00000001/0000000000000001"))
	t.Add(table.Of("\x1b[2J"), table.Short("2026-11-20 10:00:00", "11-20 10:00"), table.Count(1), table.Of(""), table.Of("n2/00000001/000000000000000a"))
	return t
}

func TestTable_Write(t *testing.T) {
	for _, tt := range []struct {
		name   string
		screen table.Screen
		want   string
	}{
		{"a pipe has all", table.Screen{}, `
USER         SINCE                CONNECTIONS  NODES           CONNECTION
東京 anabel  2026-11-23 10:00:00     12345678  web1 web2 web3  n1/00000001/0000000000000001
\x1b[2J      2026-11-20 10:00:00            1  -               n2/00000001/000000000000000a
`},
		{"a wide terminal too", table.Screen{Width: 200}, `
USER         SINCE                CONNECTIONS  NODES           CONNECTION
東京 anabel  2026-11-23 10:00:00     12345678  web1 web2 web3  n1/00000001/0000000000000001
\x1b[2J      2026-11-20 10:00:00            1  -               n2/00000001/000000000000000a
`},
		{"times get short first", table.Screen{Width: 86}, `
USER         SINCE        CONNECTIONS  NODES           CONNECTION
東京 anabel  10:00:00        12345678  web1 web2 web3  n1/00000001/0000000000000001
\x1b[2J      11-20 10:00            1  -               n2/00000001/000000000000000a
`},
		{"then heads, and what says least", table.Screen{Width: 76}, `
USER         SINCE        CONNECT…  NODES       CONNECTION
東京 anabel  10:00:00     12345678  web1 web2…  n1/00000001/0000000000000001
\x1b[2J      11-20 10:00         1  -           n2/00000001/000000000000000a
`},
		{"then the ids", table.Screen{Width: 66}, `
USER         SINCE        CONNECT…  NODES     CONNECTION
東京 anabel  10:00:00     12345678  web1 we…  n1/000000…0000000001
\x1b[2J      11-20 10:00         1  -         n2/000000…000000000a
`},
		{"then columns are left out", table.Screen{Width: 40}, `
USER         CONNECT…  CONNECTION
東京 anabel  12345678  n1/00000…00000001
\x1b[2J             1  n2/00000…0000000a
`},
		{"the user stays", table.Screen{Width: 5}, `
USER
東京…
\x1b…
`},
		{"bold", table.Screen{Width: 5, Bold: true}, "\n\x1b[1mUSER\x1b[0m\n東京…\n\\x1b…\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			tt.screen.Writer = &b
			if err := filled().Write(tt.screen); err != nil || "\n"+b.String() != tt.want {
				t.Errorf("%v\n%s\nwant%s", err, b.String(), tt.want)
			}
		})
	}
}

// Whatever is in it, no line is wider than the screen; and without one nothing is cut.
func TestTable_Write_fits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []table.Column
		for i := range rapid.IntRange(1, 6).Draw(t, "columns") {
			all = append(all, table.Column{
				Head: strings.Repeat("H", rapid.IntRange(0, 15).Draw(t, "head")),
				Kind: table.Kind(rapid.IntRange(0, 3).Draw(t, "kind")), Rank: rapid.IntRange(0, 2).Draw(t, fmt.Sprint("rank", i)),
			})
		}
		tab := table.New(all...)
		var values []string
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			var row []table.Cell
			for range all {
				text := rapid.String().Draw(t, "text")
				row = append(row, table.Of(text))
				values = append(values, terminal.Escape(text))
			}
			tab.Add(row...)
		}
		width := rapid.IntRange(1, 120).Draw(t, "width")
		var b, whole bytes.Buffer
		if err := tab.Write(table.Screen{Writer: &b, Width: width}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if got := terminal.Width(strings.TrimSuffix(line, "\n")); got > width {
				t.Fatalf("%q takes %d of %d cells", line, got, width)
			}
		}
		if err := tab.Write(table.Screen{Writer: &whole}); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if !strings.Contains(whole.String(), strings.TrimRight(v, " ")) {
				t.Fatalf("%q is not in %q", v, whole.String())
			}
		}
	})
}

func TestStream(t *testing.T) {
	var b bytes.Buffer
	s := table.NewStream(2, []table.Cell{table.Of("anabel"), table.Of("")}, table.Column{Head: "USER", Rank: 1}, table.Column{Head: "WHAT"})
	for _, row := range [][2]string{{"ana", "came"}, {"Maximiliane", "came"}, {"ana", "left"}} {
		if err := s.Row(table.Screen{Writer: &b}, table.Of(row[0]), table.Of(row[1])); err != nil {
			t.Fatal(err)
		}
	}
	want := `USER    WHAT
ana     came
Maximiliane  came
USER         WHAT
ana          left
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	b.Reset()
	if err := s.Row(table.Screen{Writer: &b, Width: 14}, table.Of("ana"), table.Of("came again")); err != nil || b.String() != "ana\n" {
		t.Errorf("got %q, %v", b.String(), err)
	}
}
