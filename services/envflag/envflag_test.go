package envflag_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/presenced/presence/services/envflag"
	"github.com/spf13/pflag"
)

// flags is a flag set with one flag of each kind.
type flags struct {
	*pflag.FlagSet
	host     *string
	port     *uint16
	skip     *bool
	names    *[]string
	password *string
	pin      *int
	output   *string
}

func newFlags() flags {
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f := flags{
		FlagSet:  fs,
		host:     fs.String("ws-host", "localhost", "listen on `HOST`"),
		port:     fs.Uint16("ws-port", 8080, "listen on port"),
		skip:     fs.Bool("skip-user-input", false, "never read"),
		names:    fs.StringSlice("names", []string{"default"}, "names"),
		password: fs.String("db-password", "hunter2", "password"),
		pin:      fs.Int("pin", 0, "a secret number"),
		output:   fs.StringP("output", "o", "text", "format"),
	}
	fs.Bool("help", false, "help")
	envflag.Secret(fs, "db-password", "pin")
	envflag.Ignore(fs, "output")
	return f
}

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}
}

func TestName(t *testing.T) {
	for flag, want := range map[string]string{"ws-host": "WS_HOST", "user": "USER", "a-b-c2": "A_B_C2"} {
		if got := envflag.Name(flag); got != want {
			t.Errorf("Name(%q) = %q, want %q", flag, got, want)
		}
	}
}

func TestApply(t *testing.T) {
	tests := []struct {
		name string
		args []string
		env  map[string]string
		want string // host port skip names password pin output
	}{
		{"nothing set", nil, nil, "localhost 8080 false [default] hunter2 0 text"},
		{"variables", nil, map[string]string{"WS_HOST": "h", "WS_PORT": "1", "SKIP_USER_INPUT": "true", "NAMES": "a,b", "DB_PASSWORD": "p", "PIN": "7"},
			"h 1 true [a b] p 7 text"},
		{"the command line wins", []string{"--ws-host=mine", "--skip-user-input=false"}, map[string]string{"WS_HOST": "h", "SKIP_USER_INPUT": "true"},
			"mine 8080 false [default] hunter2 0 text"},
		{"the command line wins with an empty value", []string{"--ws-host="}, map[string]string{"WS_HOST": "h"},
			" 8080 false [default] hunter2 0 text"},
		{"empty counts as not set", nil, map[string]string{"WS_HOST": "", "WS_PORT": "", "DB_PASSWORD": "", "DB_PASSWORD_FILE": "", "PIN": ""},
			"localhost 8080 false [default] hunter2 0 text"},
		{"ignored flags and help have no variable", nil, map[string]string{"OUTPUT": "json", "HELP": "1"},
			"localhost 8080 false [default] hunter2 0 text"},
		{"only secrets have files", nil, map[string]string{"WS_HOST_FILE": "/nowhere"},
			"localhost 8080 false [default] hunter2 0 text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFlags()
			if err := f.Parse(tt.args); err != nil {
				t.Fatal(err)
			}
			if err := envflag.Apply(f.FlagSet, lookup(tt.env)); err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprint(*f.host, " ", *f.port, " ", *f.skip, " ", *f.names, " ", *f.password, " ", *f.pin, " ", *f.output)
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestApply_errors_name_the_variable_and_the_flag(t *testing.T) {
	f := newFlags()
	err := envflag.Apply(f.FlagSet, lookup(map[string]string{"WS_PORT": "x80", "SKIP_USER_INPUT": "maybe"}))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"WS_PORT", "--ws-port", `"x80"`, "SKIP_USER_INPUT", "--skip-user-input", `"maybe"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}

func TestApply_secret_from_a_file(t *testing.T) {
	tests := []struct{ name, content, want string }{
		{"as it is", "s3cret", "s3cret"},
		{"one newline is cut", "s3cret\n", "s3cret"},
		{"only one", "s3cret\n\n", "s3cret\n"},
		{"a newline of Windows", "s3cret\r\n", "s3cret"},
		{"a carriage return alone stays", "s3cret\r", "s3cret\r"},
		{"spaces stay", "  s3 cret \n", "  s3 cret "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFlags()
			if err := envflag.Apply(f.FlagSet, lookup(map[string]string{"DB_PASSWORD_FILE": write(t, tt.content)})); err != nil {
				t.Fatal(err)
			}
			if *f.password != tt.want {
				t.Errorf("got %q, want %q", *f.password, tt.want)
			}
		})
	}
}

func TestApply_secret_errors_never_show_it(t *testing.T) {
	const secret = "s3cret"
	tests := []struct {
		name string
		env  map[string]string
		want []string
	}{
		{"both set", map[string]string{"DB_PASSWORD": secret, "DB_PASSWORD_FILE": "/some/file"}, []string{"DB_PASSWORD ", "DB_PASSWORD_FILE", "--db-password"}},
		{"no such file", map[string]string{"DB_PASSWORD_FILE": "/no/such/file"}, []string{"DB_PASSWORD_FILE", "--db-password", "/no/such/file"}},
		{"an empty file", map[string]string{"DB_PASSWORD_FILE": write(t, "\n")}, []string{"DB_PASSWORD_FILE", "--db-password", "empty"}},
		{"too long a file", map[string]string{"DB_PASSWORD_FILE": write(t, strings.Repeat(secret, 20_000))}, []string{"DB_PASSWORD_FILE", "--db-password", "longer than"}},
		{"a bad value", map[string]string{"PIN": secret}, []string{"PIN", "--pin"}},
		{"a bad value in a file", map[string]string{"PIN_FILE": write(t, secret)}, []string{"PIN_FILE", "--pin"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFlags()
			err := envflag.Apply(f.FlagSet, lookup(tt.env))
			if err == nil {
				t.Fatal("no error")
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the secret is shown: %q", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
		})
	}
}

func TestApply_command_line_secret_reads_no_file(t *testing.T) {
	f := newFlags()
	if err := f.Parse([]string{"--db-password=mine"}); err != nil {
		t.Fatal(err)
	}
	if err := envflag.Apply(f.FlagSet, lookup(map[string]string{"DB_PASSWORD_FILE": "/no/such/file"})); err != nil {
		t.Fatal(err)
	}
	if *f.password != "mine" {
		t.Errorf("got %q", *f.password)
	}
}

func TestDocument(t *testing.T) {
	f := newFlags()
	envflag.Document(f.FlagSet)
	envflag.Document(f.FlagSet) // changes nothing
	usage := f.FlagUsages()
	for _, want := range []string{
		"--ws-host HOST", `listen on HOST (env WS_HOST) (default "localhost")`,
		"listen on port (env WS_PORT) (default 8080)",
		"password (env DB_PASSWORD or DB_PASSWORD_FILE)\n",
	} {
		if !strings.Contains(usage, want) {
			t.Errorf("usage lacks %q:\n%s", want, usage)
		}
	}
	for _, no := range []string{"hunter2", "env OUTPUT", "env HELP"} {
		if strings.Contains(usage, no) {
			t.Errorf("usage has %q:\n%s", no, usage)
		}
	}
	if n := strings.Count(usage, "(env WS_HOST)"); n != 1 {
		t.Errorf("WS_HOST is named %d times", n)
	}
}

func TestSecret_panics_on_an_unknown_flag(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	envflag.Secret(newFlags().FlagSet, "no-such-flag")
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func ExampleApply() {
	fs := pflag.NewFlagSet("presenced", pflag.ContinueOnError)
	host := fs.String("ws-host", "localhost", "the address to listen on")
	env := map[string]string{"WS_HOST": "0.0.0.0"}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	if err := envflag.Apply(fs, lookup); err != nil {
		fmt.Println(err)
	}
	fmt.Println(*host)
	// Output: 0.0.0.0
}
