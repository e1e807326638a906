package envflag

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

const (
	fileSuffix = "_FILE"

	// maxSecret is the most bytes of a secret's file. A larger one is a mistake in
	// the path; nobody types 64 KiB of password.
	maxSecret = 64 << 10
)

var errTooLong = fmt.Errorf("it is longer than %d bytes", maxSecret)

func setSecret(fs *pflag.FlagSet, f *pflag.Flag, lookup func(string) (string, bool)) error {
	name := Name(f.Name)
	value, _ := lookup(name)
	path, _ := lookup(name + fileSuffix)
	switch {
	case value == "" && path == "":
		return nil
	case value != "" && path != "":
		return fmt.Errorf("%s and %s (the same as --%s) are both set: set one of them", name, name+fileSuffix, f.Name)
	case path != "":
		name += fileSuffix
		var err error
		if value, err = ReadSecret(path); err != nil {
			return fmt.Errorf("%s (the same as --%s): %w", name, f.Name, err)
		}
	}
	if err := fs.Set(f.Name, value); err != nil {
		// Not wrapped: the cause repeats the value.
		return fmt.Errorf("%s (the same as --%s): the value is not a valid %s", name, f.Name, f.Value.Type())
	}
	return nil
}

// ReadSecret returns a file's content without one newline at its end. An empty file
// is an error: who names a file means its content. So is one of more than 64 KiB.
func ReadSecret(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil {
		return "", err
	}
	if len(content) > maxSecret {
		return "", fmt.Errorf("read %s: %w", path, errTooLong)
	}
	secret := cutNewline(string(content))
	if secret == "" {
		return "", fmt.Errorf("read %s: %w", path, errors.New("it is empty"))
	}
	return secret, nil
}

// cutNewline cuts one newline, as an editor adds it, of Unix or of Windows.
func cutNewline(s string) string {
	s, cut := strings.CutSuffix(s, "\n")
	if cut {
		s = strings.TrimSuffix(s, "\r")
	}
	return s
}
