package main

import (
	"runtime"
	"strings"
	"testing"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/session"
)

// A wrong setting ends presenced before it does anything, with an error that names
// the flag and the variable.
func TestConfig_Refuses(t *testing.T) {
	for name, tt := range map[string]struct {
		args      []string
		variables map[string]string
		says      []string
	}{
		"anonymous beyond loopback": {args: []string{"--ws-host", "0.0.0.0"}, says: []string{"WS_HOST", "ALLOW_ANONYMOUS"}},
		"all addresses":             {variables: map[string]string{"WS_HOST": "::"}, says: []string{"ALLOW_ANONYMOUS"}},
		"auth":                      {args: []string{"--auth", "basic"}, says: []string{"AUTH (--auth)", "jwt"}},
		"jwt without a key":         {args: []string{"--auth", "jwt"}, says: []string{"AUTH_SECRET", "--auth-public-key-file", "AUTH_JWKS", "set one"}},
		"jwt with two keys":         {variables: map[string]string{"AUTH": "jwt", "AUTH_SECRET": "hidden", "AUTH_JWKS": "x"}, says: []string{"2 of", "AUTH_JWKS (--auth-jwks)"}},
		"a key without jwt":         {variables: map[string]string{"AUTH_SECRET": "hidden-hidden-hidden-hidden-hidden"}, says: []string{"AUTH=jwt"}},
		"an audience without jwt":   {args: []string{"--auth-audience", "presence"}, says: []string{"AUTH=jwt"}},
		"a short secret":            {variables: map[string]string{"AUTH": "jwt", "AUTH_SECRET": "hidden"}, says: []string{"AUTH_SECRET (--auth-secret)", "at least 32"}},
		"no public key":             {args: []string{"--auth", "jwt", "--auth-public-key-file", "/no/such/file"}, says: []string{"AUTH_PUBLIC_KEY_FILE (--auth-public-key-file)", "/no/such/file"}},
		"no PEM":                    {args: []string{"--auth", "jwt", "--auth-public-key-file", "config.go"}, says: []string{"AUTH_PUBLIC_KEY_FILE", "PEM"}},
		"admin beyond loopback":     {args: []string{"--admin-addr", "0.0.0.0:8081"}, says: []string{"ADMIN_ADDR", "loopback", "ADMIN_TOKEN"}},
		"admin on all addresses":    {args: []string{"--admin-addr", ":8081"}, says: []string{"ADMIN_ADDR", "ADMIN_TOKEN"}},
		"admin by a name":           {args: []string{"--admin-addr", "presence.example:8081"}, says: []string{"ADMIN_ADDR", "ADMIN_TOKEN"}},
		"short token":               {variables: map[string]string{"ADMIN_TOKEN": "hidden"}, says: []string{"ADMIN_TOKEN", "at least 16"}},
		"odd token":                 {variables: map[string]string{"ADMIN_TOKEN": "hidden hidden hidden"}, says: []string{"ADMIN_TOKEN", "white space"}},
		"two tokens":                {variables: map[string]string{"ADMIN_TOKEN": "hidden0123456789", "ADMIN_TOKEN_FILE": "x"}, says: []string{"ADMIN_TOKEN_FILE"}},
		"certificate without key":   {args: []string{"--tls-cert", "c.pem"}, says: []string{"TLS_CERT (--tls-cert)", "TLS_KEY (--tls-key) is not"}},
		"key without certificate":   {variables: map[string]string{"TLS_KEY": "k.pem"}, says: []string{"TLS_KEY (--tls-key)", "TLS_CERT (--tls-cert) is not"}},
		"admin without port":        {args: []string{"--admin-addr", "127.0.0.1"}, says: []string{"ADMIN_ADDR", "host:port"}},
		"origins":                   {variables: map[string]string{"ALLOWED_ORIGINS": "app.example"}, says: []string{"ALLOWED_ORIGINS", "scheme://"}},
		"proxies":                   {variables: map[string]string{"TRUSTED_PROXIES": "10.0.0.1,proxy.example"}, says: []string{"TRUSTED_PROXIES", "proxy.example"}},
		"proxies are everybody":     {args: []string{"--trusted-proxies", "0.0.0.0/0"}, says: []string{"--trusted-proxies", "all addresses"}},
		"proxy protocol of nobody":  {args: []string{"--proxy-protocol"}, says: []string{"PROXY_PROTOCOL", "TRUSTED_PROXIES"}},
		"record remote":             {args: []string{"--record-remote", "half"}, says: []string{"RECORD_REMOTE (--record-remote) is \"half\": want full, prefix or none"}},
		"connections per user":      {args: []string{"--max-conns-per-user", "-1"}, says: []string{"MAX_CONNS_PER_USER"}},
		"connections per address":   {variables: map[string]string{"MAX_CONNS_PER_ADDR": "-1"}, says: []string{"--max-conns-per-addr"}},
		"node id":                   {args: []string{"--node-id", "No Good"}, says: []string{"NODE_ID"}},
		"port":                      {variables: map[string]string{"WS_PORT": "70000"}, says: []string{"WS_PORT", "--ws-port"}},
		"store":                     {args: []string{"--store", "redis"}, says: []string{"STORE", "embedded"}},
		"mongodb without address":   {args: []string{"--store", "mongodb"}, says: []string{"MONGODB_URI", "DB_HOST"}},
		"two addresses":             {variables: map[string]string{"MONGODB_URI": "mongodb://a", "DB_HOST": "b"}, says: []string{"MONGODB_URI", "DB_HOST"}},
		"password without user":     {variables: map[string]string{"DB_HOST": "a", "DB_PASSWORD": "hidden"}, says: []string{"DB_USER"}},
		"fib max":                   {args: []string{"--fib-max", "1000001"}, says: []string{"FIB_MAX"}},
		"algorithm":                 {args: []string{"--fib-algorithm", "guess"}, says: []string{"FIB_ALGORITHM"}},
		"who":                       {args: []string{"--who", "some"}, says: []string{"WHO (--who) is \"some\": want all, listed or off"}},
		"grace":                     {args: []string{"--grace", "-1s"}, says: []string{"GRACE (--grace) is -1s: want 0s to 1h0m0s"}},
		"grace too long":            {args: []string{"--grace", "2h"}, says: []string{"GRACE"}},
		"webhook without secret":    {variables: map[string]string{"WEBHOOK_URL": "https://hidden.example"}, says: []string{"WEBHOOK_URL (--webhook-url)", "WEBHOOK_SECRET (--webhook-secret) is not", "openssl rand"}},
		"webhook secret alone":      {variables: map[string]string{"WEBHOOK_SECRET": "hidden"}, says: []string{"WEBHOOK_SECRET (--webhook-secret)", "WEBHOOK_URL (--webhook-url) is not"}},
		"webhook to no address":     {args: []string{"--webhook-url", "hidden.example/hook"}, variables: map[string]string{"WEBHOOK_SECRET": "hidden"}, says: []string{"WEBHOOK_URL (--webhook-url)", "https://"}},
		"webhook, short secret":     {args: []string{"--webhook-url", "https://hidden.example", "--webhook-secret", "whsec_c2hvcnQ="}, says: []string{"WEBHOOK_SECRET (--webhook-secret)", "5 bytes", "24 to 64"}},
		"webhook, odd secret":       {args: []string{"--webhook-url", "https://hidden.example", "--webhook-secret", "hidden!"}, says: []string{"WEBHOOK_SECRET", "base64"}},
		"command rate":              {args: []string{"--command-rate", "-1"}, says: []string{"COMMAND_RATE"}},
		"workers":                   {args: []string{"--fib-workers", "-1"}, says: []string{"FIB_WORKERS"}},
		"log level":                 {args: []string{"--log-level", "loud"}, says: []string{"LOG_LEVEL"}},
		"log format":                {args: []string{"--log-format", "xml"}, says: []string{"LOG_FORMAT"}},
		"drain":                     {args: []string{"--drain-timeout", "1ms"}, says: []string{"DRAIN_TIMEOUT"}},
		"drain delay":               {args: []string{"--drain-delay", "30s"}, says: []string{"DRAIN_DELAY", "--drain-timeout"}},
		"negative drain delay":      {args: []string{"--drain-delay", "-1s"}, says: []string{"DRAIN_DELAY"}},
		"queue of one":              {args: []string{"--queue", "1"}, says: []string{"QUEUE", "--queue"}},
		"negative queue":            {variables: map[string]string{"QUEUE": "-2"}, says: []string{"QUEUE"}},
		"unknown flag":              {args: []string{"--colour"}, says: []string{"--help"}},
		"argument":                  {args: []string{"start"}, says: []string{"start"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out, log logged
			code := run(t.Context(), environment{
				args:   tt.args,
				lookup: func(name string) (string, bool) { v, ok := tt.variables[name]; return v, ok },
				stdout: &out, stderr: &log,
			})
			if code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
			for _, says := range tt.says {
				if !strings.Contains(log.String(), says) {
					t.Errorf("does not say %q: %s", says, log.String())
				}
			}
			if strings.Contains(log.String(), "hidden") {
				t.Errorf("says a secret: %s", log.String())
			}
		})
	}
}

// Every setting is a flag, and says its variable.
func TestHelp_NamesEverySetting(t *testing.T) {
	var out logged
	run(t.Context(), environment{args: []string{"--help"}, lookup: noVariables, stdout: &out, stderr: &out})
	for _, name := range []string{
		"WS_HOST", "WS_PORT", "TLS_CERT", "TLS_KEY", "ADMIN_ADDR", "NODE_ID", "STORE", "DATA_DIR", "MONGODB_URI", "MONGODB_URI_FILE",
		"DB_HOST", "DB_USER", "DB_PASSWORD", "DB_PASSWORD_FILE", "DB_AUTH_SOURCE", "DB_DATABASE",
		"WEBHOOK_URL", "WEBHOOK_URL_FILE", "WEBHOOK_SECRET", "WEBHOOK_SECRET_FILE",
		"AUTH", "AUTH_SECRET", "AUTH_SECRET_FILE", "AUTH_PUBLIC_KEY_FILE", "AUTH_JWKS", "AUTH_AUDIENCE", "AUTH_ISSUER",
		"ALLOW_ANONYMOUS", "TRUSTED_PROXIES", "PROXY_PROTOCOL", "RECORD_REMOTE", "MAX_CONNS_PER_USER", "MAX_CONNS_PER_ADDR", "COMMAND_RATE", "WHO", "GRACE", "FIB_MAX", "FIB_ALGORITHM", "FIB_WORKERS", "QUEUE", "DRAIN_TIMEOUT", "DRAIN_DELAY", "LOG_LEVEL", "LOG_FORMAT",
		"Exit codes",
	} {
		if !strings.Contains(out.String(), name) {
			t.Errorf("--help does not name %s", name)
		}
	}
}

func TestVersion(t *testing.T) {
	want := "presenced " + version() + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
	variables := func(name string) (string, bool) {
		if name == "VERSION" { // of something else
			return "1.2.3", true
		}
		return "", false
	}
	for _, arg := range []string{"version", "--version"} {
		var out logged
		if code := run(t.Context(), environment{args: []string{arg}, lookup: variables, stdout: &out, stderr: &out}); code != exitOK || !strings.HasPrefix(out.String(), want) || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s: exit code %d, %q, want %q", arg, code, out.String(), want)
		}
	}
	var out logged
	run(t.Context(), environment{args: []string{"--store", "nonsense"}, lookup: variables, stdout: &out, stderr: &out})
	if strings.Contains(out.String(), "--version") || !strings.Contains(out.String(), "--store") {
		t.Errorf("with VERSION set and a wrong --store it says %q", out.String())
	}
}

func TestNodeID(t *testing.T) {
	for host, want := range map[string]string{
		"":                              "node-8080",
		"...":                           "node-8080",
		"web1":                          "web1-8080",
		"Web_1.Example.COM":             "web-1-example-com-8080",
		"a-very-long-name-of-a-machine": "a-very-long-name-o-8080",
		"ends-with-a-dash--and-more":    "ends-with-a-dash-8080",
		"büro":                          "b-ro-8080",
	} {
		got := nodeID(host, 8080)
		if got != want || events.ValidateNode(got) != nil {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
	if id := nodeID("a-very-long-name-of-a-machine", 65535); events.ValidateNode(id) != nil {
		t.Errorf("%q is no node id", id)
	}
}

// What may be asked follows from the authentication, unless WHO says it.
func TestConfig_sees(t *testing.T) {
	for _, tt := range []struct {
		auth, who string
		want      session.Sight
	}{
		{authNone, "", session.SeesAll}, {authJWT, "", session.SeesListed},
		{authNone, "listed", session.SeesListed}, {authJWT, "all", session.SeesAll}, {authJWT, "off", session.SeesNobody},
	} {
		c := defaultConfig()
		c.auth.kind, c.who = tt.auth, tt.who
		if got, err := c.sees(); got != tt.want || err != nil {
			t.Errorf("AUTH=%s WHO=%s: %v, %v", tt.auth, tt.who, got, err)
		}
	}
}
