package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGreeting(t *testing.T) {
	addr, err := greeting(strings.NewReader("store    embedded, x\nclients  ws://127.0.0.1:4711\nadmin    http://127.0.0.1:1\n"))
	if err != nil || addr.String() != "127.0.0.1:4711" {
		t.Errorf("got %v, error %v", addr, err)
	}
	for name, said := range map[string]string{"nothing": "", "no address": "clients  ws://here\n"} {
		t.Run(name, func(t *testing.T) {
			if addr, err := greeting(strings.NewReader(said)); err == nil {
				t.Errorf("found %v", addr)
			}
		})
	}
}

func TestStart_ProgramEnds(t *testing.T) {
	program := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho no store >&2\nexit 7\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), program)
	for _, want := range []string{"did not say where it listens", "exit status 7", "no store"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one that says %q", err, want)
		}
	}
}

func TestServer_ReadsTheKernel(t *testing.T) {
	program := filepath.Join(t.TempDir(), "a server (of sorts)")
	script := "#!/bin/sh\ntrap 'exit 0' TERM\necho 'clients  ws://127.0.0.1:1'\nwhile :; do sleep 0.01; done\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.AnonymousMemory(); err != nil || got <= 0 || got%1024 != 0 {
		t.Errorf("anonymous memory: %d, %v", got, err)
	}
	if got, err := s.ProcessorTime(); err != nil || got <= 0 || got > time.Minute {
		t.Errorf("processor time: %v, %v", got, err)
	}
	if got, err := KernelMemory(); err != nil || got <= 0 {
		t.Errorf("kernel memory: %d, %v", got, err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}
