package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// aroundBash stands for what the script finds in a shell: words as bash cuts them, and a
// clientctl that knows some users.
const aroundBash = `
source "$1"
_get_comp_words_by_ref() { cur=${COMP_WORDS[COMP_CWORD]}; words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; }
unset -f _init_completion
compopt() { :; }
clientctl() { shift; printf '%s\n' "$@" >asked; printf '%s\n' 'John Doe' "John's" 'J"$x` + "`\\y`" + `' ':4' ':4'; }
COMP_WORDS=(clientctl history --admin 'a\ b' "$2")
COMP_CWORD=4 COMP_TYPE=9
__clientctl_complete
printf '%s\n' "${COMPREPLY[@]}"
`

// A name with a blank is often begun with a quote.
func TestCompletion_in_quotes_of_bash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash: ", err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "clientctl.bash")
	var script bytes.Buffer
	if code := run(context.Background(), []string{"completion", "bash"}, process{out: &script, err: os.Stderr, lookup: os.LookupEnv}); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	if err := os.WriteFile(file, script.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		begun, asked string
		want         []string
	}{
		{`"Jo`, `Jo`, []string{`John Doe`, `John's`}},
		{`'Jo`, `Jo`, []string{`John Doe`, `John'\''s`}},
		{`"John D`, `John D`, []string{`John Doe`}},
		{`"J\"\$x\` + "`" + `\\`, `J"$x` + "`\\", []string{`J\"\$x\` + "`\\\\y\\`"}},
		{`'J"`, `J"`, []string{`J"$x` + "`\\y`"}},
		{`"$(touch evil)`, `$(touch evil)`, []string{``}},
		{`'$(touch evil)`, `$(touch evil)`, []string{``}},
		{`Jo`, `Jo`, []string{`John Doe`, `John's`}}, // by cobra's script
	} {
		t.Run(tt.begun, func(t *testing.T) {
			cmd := exec.Command(bash, "--norc", "-c", aroundBash, "bash", file, tt.begun)
			cmd.Dir = dir
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSuffix(string(out), "\n"); got != strings.Join(tt.want, "\n") {
				t.Errorf("offers %q, want %q", got, tt.want)
			}
			asked, err := os.ReadFile(filepath.Join(dir, "asked"))
			if want := "history\n--admin\na b\n" + tt.asked + "\n"; err != nil || string(asked) != want {
				t.Errorf("asks %q, want %q (%v)", asked, want, err)
			}
			if _, err := os.Stat(filepath.Join(dir, "evil")); err == nil {
				t.Error("what is in the quotes was run")
			}
		})
	}
}
