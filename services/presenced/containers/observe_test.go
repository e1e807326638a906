package containers

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

const (
	alertsFile    = deployDir + "/prometheus/alerts.yml"
	dashboardFile = deployDir + "/grafana/presence.json"
)

// TestObserve_MetricsAreThere holds that each metric which an alert or a panel asks for is
// one that a running presenced has.
func TestObserve_MetricsAreThere(t *testing.T) {
	there := metrics(t)
	for file, expressions := range map[string][]string{alertsFile: alertExpressions(t), dashboardFile: panelExpressions(t)} {
		asked := unknownMetrics(expressions, func(string) bool { return false })
		if len(asked) < 10 {
			t.Errorf("%s asks for %d metrics of presence: is it read at all?", file, len(asked))
		}
		for _, name := range unknownMetrics(expressions, func(name string) bool { return there[name] }) {
			t.Errorf("%s asks for %s, which presenced does not have", file, name)
		}
	}
}

func TestUnknownMetrics_Typo(t *testing.T) {
	expressions := []string{`rate(presence_users[5m]) > 0 or presence_usres{instance="a"}`}
	wantOne(t, unknownMetrics(expressions, func(name string) bool { return name == "presence_users" }), "presence_usres")
}

// TestAlerts_AreDocumentedAndTested holds that each alert is in docs/OPERATIONS.md, and
// fires in a test.
func TestAlerts_AreDocumentedAndTested(t *testing.T) {
	manual, tests := read(t, "docs/OPERATIONS.md"), read(t, deployDir+"/prometheus/alerts_test.yml")
	for _, a := range alerts(t) {
		if !strings.Contains(manual, "\n| `"+a.Alert+"` | ") {
			t.Errorf("docs/OPERATIONS.md has no line in a table for %s", a.Alert)
		}
		if !strings.Contains(tests, "alertname: "+a.Alert+"\n        exp_alerts:") {
			t.Errorf("alerts_test.yml has no time at which %s fires", a.Alert)
		}
		if a.Labels["severity"] != "page" && a.Labels["severity"] != "ticket" {
			t.Errorf("%s is of severity %q", a.Alert, a.Labels["severity"])
		}
	}
	for _, m := range regexp.MustCompile("\n\\| `(Presence[A-Za-z]+)` \\| ").FindAllStringSubmatch(manual, -1) {
		if !strings.Contains(read(t, alertsFile), "alert: "+m[1]+"\n") {
			t.Errorf("docs/OPERATIONS.md has %s, which is no alert", m[1])
		}
	}
}

// TestAlerts_Promtool runs the tests of the alerts with Prometheus' own tool.
func TestAlerts_Promtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no promtool: `bash .ci/run tools` gets it from Debian's package prometheus")
		}
		t.Skip("no promtool: `bash .ci/run tools` gets it from Debian's package prometheus")
	}
	dir := filepath.Join(root, deployDir, "prometheus")
	for _, args := range [][]string{
		{"check", "rules", "alerts.yml"},
		{"test", "rules", "alerts_test.yml"},
		{"check", "config", "--syntax-only", "prometheus.yml"},
	} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestDashboard holds what Grafana would only say when it is opened: that the panels have
// ids of their own, and a source that is provisioned.
func TestDashboard(t *testing.T) {
	source := parse[struct {
		Datasources []struct{ UID string }
	}](t, deployDir+"/grafana/datasources.yml").Datasources[0].UID
	ids := map[int]bool{}
	for _, p := range dashboard(t).Panels {
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("panel %s has no id of its own", p.Title)
		}
		ids[p.ID] = true
		if p.Datasource.UID != source || p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("panel %s has no description, or asks nothing, or asks %q instead of %q", p.Title, p.Datasource.UID, source)
		}
	}
}

var metricName = regexp.MustCompile(`\bpresence_[a-z_]+`)

// unknownMetrics are the metrics in expressions that are not known.
func unknownMetrics(expressions []string, known func(string) bool) (names []string) {
	for _, e := range expressions {
		for _, name := range metricName.FindAllString(e, -1) {
			if !known(name) {
				names = append(names, name)
			}
		}
	}
	return names
}

type alert struct {
	Alert, Expr string
	Labels      map[string]string
}

func alerts(t *testing.T) []alert {
	t.Helper()
	return parse[struct {
		Groups []struct{ Rules []alert }
	}](t, alertsFile).Groups[0].Rules
}

func alertExpressions(t *testing.T) (expressions []string) {
	t.Helper()
	for _, a := range alerts(t) {
		expressions = append(expressions, a.Expr)
	}
	return expressions
}

type panels struct {
	Panels []struct {
		ID                 int
		Title, Description string
		Datasource         struct{ UID string }
		Targets            []struct{ Expr string }
	}
}

func dashboard(t *testing.T) (d panels) {
	t.Helper()
	if err := json.Unmarshal([]byte(read(t, dashboardFile)), &d); err != nil {
		t.Fatalf("%s: %v", dashboardFile, err)
	}
	return d
}

func panelExpressions(t *testing.T) (expressions []string) {
	t.Helper()
	for _, p := range dashboard(t).Panels {
		for _, target := range p.Targets {
			expressions = append(expressions, target.Expr)
		}
	}
	return expressions
}

// parse reads a file of YAML.
func parse[T any](t *testing.T, name string) (v T) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, name)), &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// metrics are the names of what a running presenced tells Prometheus, with all that may be
// configured.
func metrics(t *testing.T) map[string]bool {
	t.Helper()
	resp, err := http.DefaultClient.Do(scrape(t, startPresenced(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			names[metricName.FindString(line)] = true
		}
	}
	return names
}

func scrape(t *testing.T, admin string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, admin+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// startPresenced starts one that ends with the test, and returns the address of its
// operator's API.
func startPresenced(t *testing.T) (admin string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "presenced")
	run(t, "go", "build", "-o", binary, "./services/presenced")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = []string{
		"STORE=embedded", "DATA_DIR=" + t.TempDir(), "WS_PORT=0", "ADMIN_ADDR=127.0.0.1:0",
		"WEBHOOK_URL=http://127.0.0.1:1/", "WEBHOOK_SECRET=whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if rest, found := strings.CutPrefix(lines.Text(), "admin "); found {
			return strings.TrimSpace(rest)
		}
	}
	t.Fatal("presenced ended without saying its address")
	return ""
}
