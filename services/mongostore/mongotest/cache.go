package mongotest

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// unavailable ends a test that cannot have what it needs.
func unavailable(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf("SKIPPED, NOT TESTED: "+format, args...)
}

// cacheDir is the directory, in the user's cache, of what is built or installed once.
func cacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "presence-test")
	return dir, os.MkdirAll(dir, 0o755)
}

// fingerprint changes when one of the files or the Go version does.
func fingerprint(files ...string) (string, error) {
	sum := sha256.New()
	sum.Write([]byte(runtime.Version() + runtime.GOOS + runtime.GOARCH))
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

// once makes path unless it is there, under a lock that other processes respect, so
// that test processes that start together make it once.
func once(path string, create func() error) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	unlock, err := lock(path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return create()
}
