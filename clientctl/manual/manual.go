// Package manual writes a command's help as a page for man(1). The help is taken as it
// stands: lines that are indented stay lines, the others are paragraphs.
//
// It is pure.
package manual

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Section is a part of a page that the command does not know itself.
type Section struct{ Title, Text string }

// Name is the name of a command's page, as man is asked for it: clientctl-load-merge.
func Name(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// Write writes the page of a command; source is the program with its version.
func Write(w io.Writer, cmd *cobra.Command, source string, more ...Section) error {
	cmd.InitDefaultHelpFlag()
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %q 1 \"\" %q \"Presence\"\n", strings.ToUpper(Name(cmd)), source)
	section(&b, "NAME")
	fmt.Fprintf(&b, "%s \\- %s\n", escape(Name(cmd)), escape(cmd.Short))
	section(&b, "SYNOPSIS")
	fmt.Fprintf(&b, ".B %s\n%s\n", escape(cmd.CommandPath()), escape(strings.TrimPrefix(cmd.UseLine(), cmd.CommandPath()+" ")))
	section(&b, "DESCRIPTION")
	text(&b, cmd.Long)
	options(&b, cmd.Flags())
	if cmd.Example != "" {
		section(&b, "EXAMPLES")
		text(&b, cmd.Example)
	}
	for _, s := range more {
		section(&b, s.Title)
		text(&b, s.Text)
	}
	related(&b, cmd)
	_, err := io.WriteString(w, b.String())
	return err
}

func section(b *strings.Builder, title string) { fmt.Fprintf(b, ".SH %s\n", escape(title)) }

// text writes paragraphs, and lines that are indented as they are.
func text(b *strings.Builder, s string) {
	verbatim := false
	for line := range strings.SplitSeq(s, "\n") {
		if indented := strings.HasPrefix(line, "  "); indented != verbatim && line != "" {
			b.WriteString(map[bool]string{true: ".PP\n.nf\n", false: ".fi\n"}[indented])
			verbatim = indented
		}
		switch {
		case line != "":
			b.WriteString(escape(line) + "\n")
		case verbatim:
			b.WriteString("\n")
		default:
			b.WriteString(".PP\n")
		}
	}
	if verbatim {
		b.WriteString(".fi\n")
	}
}

func options(b *strings.Builder, fs *pflag.FlagSet) {
	section(b, "OPTIONS")
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := `\-\-` + escape(f.Name)
		if f.Shorthand != "" {
			name = `\-` + f.Shorthand + ", " + name
		}
		fmt.Fprintf(b, ".TP\n\\fB%s\\fR", name)
		switch {
		case value == "":
		case f.NoOptDefVal != "":
			fmt.Fprintf(b, "[=\\fI%s\\fR]", escape(value))
		default:
			fmt.Fprintf(b, " \\fI%s\\fR", escape(value))
		}
		b.WriteString("\n" + escape(usage))
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "[]" {
			fmt.Fprintf(b, " (default %s)", escape(f.DefValue))
		}
		b.WriteString("\n")
	})
}

// related names the pages above and below a command.
func related(b *strings.Builder, cmd *cobra.Command) {
	var names []string
	if cmd.HasParent() {
		names = append(names, Name(cmd.Parent()))
	}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, Name(sub))
		}
	}
	if len(names) == 0 {
		return
	}
	section(b, "SEE ALSO")
	for i, name := range names {
		comma := ","
		if i == len(names)-1 {
			comma = ""
		}
		fmt.Fprintf(b, ".BR %s (1)%s\n", escape(name), comma)
	}
}

// escape makes text of what roff would take for its own, and ASCII of all, since roff
// does not know how a page is encoded.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r > unicode.MaxASCII:
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	if s = b.String(); strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		return `\&` + s
	}
	return s
}
