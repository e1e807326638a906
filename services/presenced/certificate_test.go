package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/protocol"
)

// proven is a certificate in two files, and those who trust it.
type proven struct {
	cert, key string // files
	roots     *x509.CertPool
}

func newProven(t *testing.T) *proven {
	t.Helper()
	dir := t.TempDir()
	p := &proven{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), roots: x509.NewCertPool()}
	p.renew(t, 1, time.Now().Add(24*time.Hour))
	return p
}

// renew puts another certificate into the files, which is trusted too.
func (p *proven) renew(t *testing.T, serial int64, until time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: until.Add(-100 * 24 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	p.roots.AddCert(leaf)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, p.cert, "CERTIFICATE", raw)
	writePEM(t, p.key, "PRIVATE KEY", secret)
}

func writePEM(t *testing.T, file, kind string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p *proven) flags() []string { return []string{"--tls-cert", p.cert, "--tls-key", p.key} }

// startTLS runs presenced with TLS.
func startTLS(t *testing.T, b backend, p *proven) *target {
	t.Helper()
	tg := start(t, b, p.flags()...)
	tg.tls = &tls.Config{RootCAs: p.roots}
	return tg
}

// Everything that a client does works over TLS, and is recorded as without.
func TestServe_TLS(t *testing.T) {
	b, p := embeddedBackend(t), newProven(t)
	tg := startTLS(t, b, p)
	if !strings.HasPrefix(tg.ws, "wss://") || !strings.Contains(strings.Join(tg.said, "\n"), "--ws wss://") {
		t.Errorf("says %q", tg.said)
	}
	c := dial(t, tg, "ana")
	checkTime(t, receive(t, c.times, "the time"))
	if m := c.ask(t, "90"); m.Value != "2880067194370816120" {
		t.Errorf("F(90) is answered %+v", m)
	}
	if m := c.ask(t, `{"type":"fibonacci","n":1000}`); len(m.Value) != 209 {
		t.Errorf("F(1000) is answered %+v", m)
	}
	if got := tg.online(t); got["ana"] != 1 {
		t.Errorf("online: %v", got)
	}
	if code := tg.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if code := receive(t, c.closed, "the close"); code != ws.StatusCode(protocol.CloseRestart) {
		t.Errorf("closed with %d", code)
	}
	if m := receive(t, c.messages, "the drain"); m.Type != protocol.TypeDrain {
		t.Errorf("the last message is %+v", m)
	}
	verified(t, b)
	reasons(t, b, map[events.Reason]int{events.Shutdown: 2})
}

// People who open the port with a browser get the page with https, and are told with
// http; TLS 1.1 is refused.
func TestServe_TLS_otherClients(t *testing.T) {
	tg := startTLS(t, embeddedBackend(t), newProven(t))
	addr := strings.TrimPrefix(tg.ws, "wss://")
	get := func(url string) (int, string) {
		client := http.Client{Transport: &http.Transport{TLSClientConfig: tg.tls, ForceAttemptHTTP2: true, DisableKeepAlives: true}}
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.ProtoMajor != 1 {
			t.Errorf("%s: %s, %v", url, resp.Proto, err)
		}
		return resp.StatusCode, string(body)
	}
	if status, body := get("https://" + addr); status != http.StatusOK || !strings.Contains(body, "clientctl") {
		t.Errorf("with https: %d %s", status, body)
	}
	if status, body := get("http://" + addr); status != http.StatusBadRequest || !strings.Contains(body, "wss://") {
		t.Errorf("with http: %d %s", status, body)
	}
	old := &tls.Config{RootCAs: tg.tls.RootCAs, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if conn, err := tls.Dial("tcp", addr, old); err == nil {
		_ = conn.Close()
		t.Error("TLS 1.1 is served")
	}
}

// clientctl connects over TLS, and says in words why it does not.
func TestClientctl_TLS(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "clientctl")
	if out, err := exec.Command("go", "build", "-o", binary, "../../clientctl").CombinedOutput(); err != nil {
		t.Fatalf("build clientctl: %v\n%s", err, out)
	}
	p := newProven(t)
	tg := startTLS(t, embeddedBackend(t), p)
	for name, tt := range map[string]struct{ args, says string }{
		"trusted":           {"--ws " + tg.ws + " --ca " + p.cert, "2880067194370816120\n"},
		"not trusted":       {"--ws " + tg.ws, "authority that this system does not know"},
		"without TLS":       {"--ws " + strings.Replace(tg.ws, "wss://", "ws://", 1), "this port speaks TLS: connect with wss://"},
		"TLS where none is": {"--ws " + strings.Replace(tg.admin, "http://", "wss://", 1), "does not speak TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			out, _ := exec.Command(binary, strings.Fields("fibonacci 90 --user ana "+tt.args)...).CombinedOutput()
			if !strings.Contains(string(out), tt.says) {
				t.Errorf("%s: %s; want %q", tt.args, out, tt.says)
			}
		})
	}
}

// Files that are of no use end presenced before it serves, with the settings' names.
func TestServe_TLS_badFiles(t *testing.T) {
	p, other := newProven(t), newProven(t)
	nonsense := filepath.Join(t.TempDir(), "nonsense.pem")
	if err := os.WriteFile(nonsense, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ cert, key, says string }{
		"no such certificate": {p.cert + "x", p.key, "TLS_CERT (--tls-cert): open " + p.cert + "x"},
		"no such key":         {p.cert, p.key + "x", "TLS_KEY (--tls-key): open " + p.key + "x"},
		"no certificate":      {nonsense, p.key, "TLS_CERT (--tls-cert) " + nonsense},
		"another's key":       {p.cert, other.key, "private key does not match public key"},
	} {
		t.Run(name, func(t *testing.T) {
			args := embeddedBackend(t).args("--tls-cert", tt.cert, "--tls-key", tt.key)
			if code, text := fails(t, args...); code != exitUsage || !strings.Contains(text, tt.says) {
				t.Errorf("exit code %d: %s; want %q", code, text, tt.says)
			}
		})
	}
}

// A certificate that clients will not accept, or not for long, is warned about.
func TestCertificate_warns(t *testing.T) {
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		until time.Duration // from now
		says  string
	}{
		"expired":       {-time.Hour, "has expired"},
		"expires soon":  {6 * day, "expires soon"},
		"good":          {8 * day, ""},
		"not valid yet": {101 * day, "not valid yet"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProven(t)
			p.renew(t, 2, time.Now().Add(tt.until))
			core, said := observer.New(zap.WarnLevel)
			if _, err := newCertificate(&config{tlsCert: p.cert, tlsKey: p.key}, zap.New(core)); err != nil {
				t.Fatal(err)
			}
			warnings := said.All()
			if tt.says == "" && len(warnings) > 0 || tt.says != "" && (len(warnings) != 1 || !strings.Contains(warnings[0].Message, tt.says)) {
				t.Errorf("warns of %v, want %q", warnings, tt.says)
			}
		})
	}
}
