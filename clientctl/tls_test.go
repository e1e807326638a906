package main

import (
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/presenced/presence/clientctl/fault"
	"github.com/presenced/presence/clientctl/scripted"
)

func TestFibonacci_over_TLS(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SSL_CERT_FILE stands in for the system's roots only on some systems")
	}
	address, roots := serveTLS(t, `
		query user=42
		expect {"type":"fibonacci","id":"1","n":7}
		send {"type":"fibonacci","id":"1","n":7,"value":"13"}
		closed 1000`)

	cmd := exec.Command("clientctl", "fibonacci", "7", "--user", "42", "--ws", address)
	cmd.Env = append(os.Environ(), "GORACE="+noExitSleep)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 3 || !strings.Contains(string(out), "signed by an authority that this system does not know") {
		t.Errorf("without the root: %v, %s", err, out)
	}

	cmd = exec.Command("clientctl", "fibonacci", "7", "--user", "42", "--ws", address)
	cmd.Env = append(os.Environ(), "GORACE="+noExitSleep, "SSL_CERT_FILE="+roots)
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "13\n" {
		t.Errorf("with the root: %v, %s", err, out)
	}
}

func TestFibonacci_with_an_own_authority(t *testing.T) {
	const script = `
		query user=42
		expect {"type":"fibonacci","id":"1","n":7}
		send {"type":"fibonacci","id":"1","n":7,"value":"13"}
		closed 1000`
	for name, asked := range map[string]struct {
		args      []string
		variables []string
	}{
		"flag":     {args: []string{"--ca"}},
		"variable": {variables: []string{"CA="}},
	} {
		t.Run(name, func(t *testing.T) {
			address, roots := serveTLS(t, script)
			cmd := exec.Command("clientctl", "fibonacci", "7", "--user", "42", "--ws", address)
			cmd.Env = append(os.Environ(), "GORACE="+noExitSleep)
			for _, flag := range asked.args {
				cmd.Args = append(cmd.Args, flag, roots)
			}
			for _, v := range asked.variables {
				cmd.Env = append(cmd.Env, v+roots)
			}
			if out, err := cmd.CombinedOutput(); err != nil || string(out) != "13\n" {
				t.Errorf("%v, %s", err, out)
			}
		})
	}
}

func TestWatch_with_an_own_authority(t *testing.T) {
	address, roots := serveTLS(t, `
		query user=42
		expect {"type":"watch","id":"1"}
		send {"type":"watch","id":"1","level":"users","part":1,"users":[]}
		close 4503 kicked`)
	cmd := exec.Command("clientctl", "watch", "--user", "42", "--ws", address, "--ca", roots)
	cmd.Env = append(os.Environ(), "GORACE="+noExitSleep)
	if out, _ := cmd.CombinedOutput(); !strings.Contains(string(out), "watching everyone\n") {
		t.Errorf("%s", out)
	}
}

func TestTarget_dial_refuses_files_of_no_use(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for file, says := range map[string]string{empty: "has no certificate", empty + "x": "--ca (or CA): open "} {
		_, err := (&target{ca: file}).dial()
		if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", file, err, says)
		}
	}
}

// serveTLS plays script at an address with wss, and returns it and the file of the
// certificate that it is to be trusted by.
func serveTLS(t *testing.T, script string) (address, roots string) {
	t.Helper()
	certified := httptest.NewTLSServer(nil) // for its certificate
	defer certified.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, err := scripted.Start(tls.NewListener(l, &tls.Config{Certificates: certified.TLS.Certificates}), script)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Errorf("the server's script: %v", err)
		}
	})
	roots = filepath.Join(t.TempDir(), "roots.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw}
	if err := os.WriteFile(roots, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return "wss://" + l.Addr().String(), roots
}
