package manual_test

import (
	"strings"
	"testing"

	"github.com/presenced/presence/clientctl/manual"
	"github.com/spf13/cobra"
)

func TestWrite(t *testing.T) {
	root := &cobra.Command{Use: "tool", Short: "Do things", Run: func(*cobra.Command, []string) {}}
	cmd := &cobra.Command{
		Use: "show [USER]", Short: "Show a user's \\",
		Long:    "A paragraph\nof two lines.\n\n.dots, 'quotes' and … are text:\n\n  indented -x\n\n  and more\n\nThe end.",
		Example: "  tool show --all\n  tool show 'a b'",
		Run:     func(*cobra.Command, []string) {},
	}
	cmd.Flags().BoolP("all", "a", false, "all of them")
	cmd.Flags().String("to", "here", "a `PLACE` to go to")
	cmd.Flags().String("every", "", "again after a `TIME`")
	cmd.Flags().Lookup("every").NoOptDefVal = "2s"
	cmd.Flags().String("secret", "", "hidden")
	_ = cmd.Flags().MarkHidden("secret")
	root.AddCommand(cmd)
	var b strings.Builder
	if err := manual.Write(&b, cmd, "tool v1", manual.Section{Title: "MORE", Text: "-1"}); err != nil {
		t.Fatal(err)
	}
	want := `.TH "TOOL-SHOW" 1 "" "tool v1" "Presence"
.SH NAME
tool\-show \- Show a user's \e
.SH SYNOPSIS
.B tool show
[USER] [flags]
.SH DESCRIPTION
A paragraph
of two lines.
.PP
\&.dots, 'quotes' and \[u2026] are text:
.PP
.PP
.nf
  indented \-x

  and more

.fi
The end.
.SH OPTIONS
.TP
\fB\-a, \-\-all\fR
all of them
.TP
\fB\-\-every\fR[=\fITIME\fR]
again after a TIME
.TP
\fB\-h, \-\-help\fR
help for show
.TP
\fB\-\-to\fR \fIPLACE\fR
a PLACE to go to (default here)
.SH EXAMPLES
.PP
.nf
  tool show \-\-all
  tool show 'a b'
.fi
.SH MORE
\-1
.SH SEE ALSO
.BR tool (1)
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	if err := manual.Write(&b, root, "tool v1"); err != nil || !strings.HasSuffix(b.String(), ".SH SEE ALSO\n.BR tool\\-show (1)\n") {
		t.Errorf("%v, of the root: %s", err, b.String())
	}
}
