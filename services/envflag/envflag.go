package envflag

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// The marks that this package leaves on flags, as pflag annotations.
const (
	markSecret     = "envflag_secret"
	markIgnored    = "envflag_ignored"
	markDocumented = "envflag_documented"
)

// helpFlag is defined by cobra on every command. HELP=1 in an environment means
// something else to whoever set it.
const helpFlag = "help"

// Name returns the variable of a flag: ws-host ⇒ WS_HOST.
func Name(flag string) string {
	return strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Secret marks flags as secrets, so that their values are never shown and can also
// come from the file that NAME_FILE names. It panics if there is no such flag.
func Secret(fs *pflag.FlagSet, names ...string) {
	for _, name := range names {
		mark(fs, name, markSecret)
		fs.Lookup(name).DefValue = "" // pflag shows a default unless it is the zero value
	}
}

// Ignore takes flags out of the rule: they have no variable. It is for flags whose
// variable would mean something else to most environments. It panics if there is no
// such flag.
func Ignore(fs *pflag.FlagSet, names ...string) {
	for _, name := range names {
		mark(fs, name, markIgnored)
	}
}

// Document adds the variable of each flag to its usage text, such as
// "(env WS_HOST)". Calling it again changes nothing.
func Document(fs *pflag.FlagSet) {
	fs.VisitAll(func(f *pflag.Flag) {
		if !hasVariable(f) || marked(f, markDocumented) {
			return
		}
		mark(fs, f.Name, markDocumented)
		variables := Name(f.Name)
		if marked(f, markSecret) {
			variables += " or " + Name(f.Name) + fileSuffix
		}
		f.Usage += " (env " + variables + ")"
	})
}

// Apply sets each flag of fs that was not set on the command line from its variable,
// which it gets from lookup. An empty value counts as not set. It tries all flags
// and returns all that is wrong, joined; each error names the variable and the flag.
func Apply(fs *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var errs []error
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Changed || !hasVariable(f) {
			return
		}
		set := setPlain
		if marked(f, markSecret) {
			set = setSecret
		}
		if err := set(fs, f, lookup); err != nil {
			errs = append(errs, err)
		}
	})
	return errors.Join(errs...)
}

func setPlain(fs *pflag.FlagSet, f *pflag.Flag, lookup func(string) (string, bool)) error {
	name := Name(f.Name)
	value, _ := lookup(name)
	if value == "" {
		return nil
	}
	if err := fs.Set(f.Name, value); err != nil {
		return fmt.Errorf("%s=%q (the same as --%s): %w", name, value, f.Name, cause(err))
	}
	return nil
}

// cause is what is wrong with a value, without pflag's sentence around it, which
// names the flag alone.
func cause(err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return invalid.Unwrap()
	}
	return err
}

func hasVariable(f *pflag.Flag) bool {
	return f.Name != helpFlag && !marked(f, markIgnored)
}

func marked(f *pflag.Flag, key string) bool {
	_, ok := f.Annotations[key]
	return ok
}

func mark(fs *pflag.FlagSet, name, key string) {
	if err := fs.SetAnnotation(name, key, []string{}); err != nil {
		panic("envflag: " + err.Error())
	}
}
