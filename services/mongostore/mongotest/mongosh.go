package mongotest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// mongoshVersion is the shell that the README's queries are run with.
const mongoshVersion = "2.12.0"

// mongoshTimeout bounds one run of the shell, which takes about a second to start.
const mongoshTimeout = 60 * time.Second

// Mongosh runs a script in mongosh, as `mongosh --quiet --eval` does, against the
// database that uri names, and returns what it printed. The shell is the one on PATH,
// or one that npm installs into the user's cache.
func Mongosh(t testing.TB, uri, js string) string {
	t.Helper()
	shell, err := mongosh()
	if err != nil {
		unavailable(t, "no mongosh: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), mongoshTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, shell, "--quiet", "--norc", uri, "--eval", js)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "MONGOSH_FORCE_DISABLE_TELEMETRY_FOR_TESTING=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("mongosh --eval %q: %v\n%s%s", js, err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.String()
}

// mongosh finds the shell, or installs it once.
func mongosh() (string, error) {
	if path, err := exec.LookPath("mongosh"); err == nil {
		return path, nil
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "mongosh-"+mongoshVersion)
	if err := once(dir, func() error { return npmInstall(dir) }); err != nil {
		return "", err
	}
	return filepath.Join(dir, "node_modules", ".bin", "mongosh"), nil
}

// npmInstall installs into a directory beside dir first, so that what is in dir is
// complete.
func npmInstall(dir string) error {
	unfinished := fmt.Sprintf("%s.%d", dir, os.Getpid())
	defer func() { _ = os.RemoveAll(unfinished) }()
	cmd := exec.Command("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
		"--prefix", unfinished, "mongosh@"+mongoshVersion)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm install mongosh@%s: %w\n%s", mongoshVersion, err, out)
	}
	return os.Rename(unfinished, dir)
}
