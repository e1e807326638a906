package containers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// root is the root of the repository, and composeFile a file of it.
const (
	root        = "../../.."
	composeFile = "docker-compose.yml"
)

func TestDockerfile(t *testing.T) {
	report(t, checkDockerfile(dockerfile(t), goVersion(t)))
}

func TestCompose(t *testing.T) {
	text := read(t, composeFile)
	report(t, checkCompose(compose(t, text), dockerfile(t)))
	complaints, err := checkOldCompose(text)
	if err != nil {
		t.Fatal(err)
	}
	report(t, complaints)
}

// TestVariables_AreKnown asks presenced itself which variables it reads.
func TestVariables_AreKnown(t *testing.T) {
	known := variablesOfPresenced(t)
	project := compose(t, read(t, composeFile))
	report(t, unknownVariables(slices.Collect(maps.Keys(dockerfile(t).environment())), known))
	for _, name := range []string{"app", "presenced", "operator"} {
		report(t, unknownVariables(slices.Collect(maps.Keys(project.Services[name].Environment)), known))
	}
}

// TestDockerignore_LetsTheSourcesIn holds that what the two programs are built from,
// embedded files too, is sent to the build, and that the tests' modules are not.
func TestDockerignore_LetsTheSourcesIn(t *testing.T) {
	patterns, err := ignorefile.ReadAll(strings.NewReader(read(t, ".dockerignore")))
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(sources(t), "go.mod", "go.sum") {
		if out, err := ignored.MatchesOrParentMatches(file); err != nil || out {
			t.Errorf("%s is needed for the build, and .dockerignore leaves it out (%v)", file, err)
		}
	}
	for _, file := range []string{".git/config", "README.md", "data/presence.db", "services/presenced/containers/go.mod", "events/codec_test.go", "services/deploy/secrets/admin_token"} {
		if out, err := ignored.MatchesOrParentMatches(file); err != nil || !out {
			t.Errorf("%s is not needed for the build, and .dockerignore lets it in (%v)", file, err)
		}
	}
}

// The checks are themselves held to broken copies of the files.

func TestCheckDockerfile_BrokenCopies(t *testing.T) {
	text := read(t, "Dockerfile")
	tests := []struct{ name, old, new, want string }{
		{"a typo in an instruction", "EXPOSE", "EXPOS", "unknown instruction: EXPOS"},
		{"a typo in a stage", "--from=build", "--from=biuld", "not copied from a stage"},
		{"another Go than go.mod's", "golang:1.26-", "golang:1.25-", "go.mod says Go 1.26"},
		{"root", "USER nonroot:nonroot", "USER 0:0", "runs as root"},
		{"no user", "USER nonroot:nonroot\n", "", "runs as root"},
		{"a shell that is not there", `["/presenced"]`, "/presenced", "ENTRYPOINT is not the exec form"},
		{"a health check by a shell", `["/presenced", "health"]`, "/presenced health", "HEALTHCHECK is not the exec form"},
		{"a health check by another command", `"health"`, `"healthy"`, "HEALTHCHECK is not the exec form"},
		{"a health check without", `HEALTHCHECK --interval`, `HEALTHCHECK --intervall`, "intervall"},
		{"a binary that is not static", "CGO_ENABLED=0 ", "", "does not say CGO_ENABLED=0"},
		{"a program left out", " ./clientctl", "", "does not say ./clientctl"},
		{"a signal that kills", "STOPSIGNAL SIGTERM", "STOPSIGNAL SIGKILL", "STOPSIGNAL is not SIGTERM"},
		{"what the linter finds", "FROM golang:1.26-bookworm AS build", "FROM golang:1.26-bookworm as build", "FromAsCasing"},
		{"a secret in the image", "ENV STORE", "ENV DB_PASSWORD=x STORE", "ENV DB_PASSWORD puts a secret into the image"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := parseDockerfile(replace(t, text, tt.old, tt.new))
			if err != nil {
				wantOne(t, []string{err.Error()}, tt.want)
				return
			}
			wantOne(t, checkDockerfile(r, goVersion(t)), tt.want)
		})
	}
}

func TestCheckCompose_BrokenCopies(t *testing.T) {
	checkBroken(t, []brokenCopy{
		{"a typo in a key", "app", "depends_on", "depend_on", "depend_on"},
		{"a typo in a volume", "mongo", "- mongo:/data", "- mango:/data", "mango"},
		{"a typo in a dependency", "app", "      mongo:\n        condition", "      mango:\n        condition", "mango"},
		{"a typo in a condition", "app", "service_healthy", "service_helthy", "condition value must be one of"},
		{"a duration without a unit", "", "stop_grace_period: 30s", "stop_grace_period: thirty", "thirty"},
		{"published to everyone", "app", "127.0.0.1:8080:8080", "8080:8080", `publishes port 8080 on ""`},
		{"the database published to everyone", "mongo", "127.0.0.1:27017:27017", "0.0.0.0:27017:27017", `publishes port 27017 on "0.0.0.0"`},
		{"another port than WS_PORT", "app", `WS_PORT: "8080"`, `WS_PORT: "8081"`, "publishes port 8080, and WS_PORT"},
		{"a port that is not exposed", "app", "127.0.0.1:8080:8080", "127.0.0.1:8080:8081", "publishes port 8081"},
		{"a database that is no service", "app", "DB_HOST: mongo:", "DB_HOST: mango:", "no service of this file"},
		{"a database at another port", "app", "DB_HOST: mongo:27017", "DB_HOST: mongo:27018", "listens elsewhere"},
		{"not waiting for health", "app", "service_healthy", "service_started", "does not wait until mongo is healthy"},
		{"no restart", "mongo", "restart: unless-stopped", `restart: "no"`, "has the restart policy"},
		{"no health check", "mongo", "CMD, mongosh", "CMD, mongo", "no health check by mongosh"},
		{"an impatient health check", "mongo", "timeout: 10s", "timeout: 1s", "shorter than mongosh takes"},
		{"data in the container", "mongo", "mongo:/data/db", "mongo:/data", "does not keep /data/db"},
		{"no memory limit", "app", "mem_limit: 1g", "", "has no memory limit"},
		{"root", "app", "init: true", "init: true\n    user: root", "is given privileges"},
		{"no time to stop", "", "stop_grace_period: 30s", "stop_grace_period: 5s", "is not given time to stop"},
		{"the image's health check replaced", "app", "init: true", "init: true\n    healthcheck: {disable: true}", "replaces the health check"},
	})
}

// brokenCopy is the compose file with a change of what it says of one service, or of all if
// service is "", and the complaint of it that there should be.
type brokenCopy struct{ name, service, old, new, want string }

func checkBroken(t *testing.T, copies []brokenCopy) {
	t.Helper()
	text := read(t, composeFile)
	for _, tt := range copies {
		t.Run(tt.name, func(t *testing.T) {
			project, err := parseCompose(t.Context(), replaceIn(t, text, tt.service, tt.old, tt.new))
			if err != nil {
				wantOne(t, []string{err.Error()}, tt.want)
				return
			}
			got := checkCompose(project, dockerfile(t))
			if len(got) == 0 || !strings.Contains(got[0], tt.want) {
				t.Errorf("got %q, want a complaint that contains %q", got, tt.want)
			}
		})
	}
}

func TestCheckOldCompose_NewKeys(t *testing.T) {
	text := read(t, composeFile)
	for name, broken := range map[string]string{
		"a name":              "name: presence\n" + text,
		"an optional service": replaceIn(t, text, "app", "condition: service_healthy", "condition: service_healthy\n        required: false"),
		"start_interval":      replaceIn(t, text, "mongo", "start_period: 30s", "start_interval: 1s"),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := checkOldCompose(broken)
			if err != nil {
				t.Fatal(err)
			}
			wantOne(t, got, "docker-compose 1.29 does not know")
		})
	}
}

func TestUnknownVariables_Typo(t *testing.T) {
	known := []string{"DB_HOST", "DB_PASSWORD"}
	report(t, unknownVariables([]string{"DB_PASSWORD", "DB_HOST"}, known))
	wantOne(t, unknownVariables([]string{"DB_HOTS"}, known), "DB_HOTS is no variable of presenced")
}

func dockerfile(t *testing.T) *recipe {
	t.Helper()
	r, err := parseDockerfile(read(t, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func compose(t *testing.T, text string) *types.Project {
	t.Helper()
	p, err := parseCompose(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// goVersion is the version that go.mod asks for.
func goVersion(t *testing.T) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(read(t, "go.mod"))
	if m == nil {
		t.Fatal("go.mod has no go line")
	}
	return m[1]
}

// variablesOfPresenced are those that its help names, such as "(env DB_PASSWORD or
// DB_PASSWORD_FILE)".
func variablesOfPresenced(t *testing.T) (names []string) {
	t.Helper()
	help := run(t, "go", "run", "./services/presenced", "--help")
	for _, m := range regexp.MustCompile(`\(env ([A-Z0-9_]+)(?: or ([A-Z0-9_]+))?\)`).FindAllSubmatch(help, -1) {
		names = append(names, string(m[1]))
		if len(m[2]) > 0 {
			names = append(names, string(m[2]))
		}
	}
	return names
}

// sources are the files of the product that its two programs are built from.
func sources(t *testing.T) (files []string) {
	t.Helper()
	absolute, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	list := json.NewDecoder(bytes.NewReader(run(t, "go", "list", "-deps", "-json=Dir,Standard,Module,GoFiles,EmbedFiles", "./services/presenced", "./clientctl")))
	for {
		var p struct {
			Dir        string   `json:"Dir"`
			Standard   bool     `json:"Standard"`
			GoFiles    []string `json:"GoFiles"`
			EmbedFiles []string `json:"EmbedFiles"`
			Module     *struct {
				Main bool `json:"Main"`
			} `json:"Module"`
		}
		err := list.Decode(&p)
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.Standard || p.Module == nil || !p.Module.Main {
			continue
		}
		dir, err := filepath.Rel(absolute, p.Dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range append(p.GoFiles, p.EmbedFiles...) {
			files = append(files, filepath.Join(dir, f))
		}
	}
}

// run runs a command at the root of the repository, for Linux, and returns its output.
func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, stderr.String())
	}
	return out
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// replace is strings.Replace for the first old, and fails if there is none: then the
// test would look at the unbroken file.
func replace(t *testing.T, text, from, to string) string {
	t.Helper()
	if !strings.Contains(text, from) {
		t.Fatalf("%q is not in the file any more: mend the test", from)
	}
	return strings.Replace(text, from, to, 1)
}

// replaceIn is replace in what a compose file says of one service, and of all if it is "".
func replaceIn(t *testing.T, text, service, from, to string) string {
	t.Helper()
	if service == "" {
		return replace(t, text, from, to)
	}
	section := regexp.MustCompile(`(?m)^  ` + service + `:\n(?:(?:    .*)?\n)+`).FindString(text)
	return replace(t, text, section, replace(t, section, from, to))
}

func report(t *testing.T, complaints []string) {
	t.Helper()
	for _, c := range complaints {
		t.Error(c)
	}
}

// wantOne holds that there is exactly one complaint, and that it says want.
func wantOne(t *testing.T, got []string, want string) {
	t.Helper()
	if len(got) != 1 || !strings.Contains(got[0], want) {
		t.Errorf("got %q, want one complaint that contains %q", got, want)
	}
}
