package containers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// recipe is a Dockerfile, parsed.
type recipe struct {
	stages   []instructions.Stage
	warnings []string // of docker's own linter
}

// parseDockerfile reads a Dockerfile as docker build does.
func parseDockerfile(text string) (*recipe, error) {
	parsed, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	r := &recipe{}
	for _, w := range parsed.Warnings {
		r.warnings = append(r.warnings, w.Short)
	}
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, message string, _ []parser.Range) {
		r.warnings = append(r.warnings, rule+": "+message)
	}})
	r.stages, _, err = instructions.Parse(parsed.AST, lint)
	if err != nil {
		return nil, fmt.Errorf("instructions: %w", err)
	}
	return r, nil
}

// last returns the last command of type C in a stage, and whether there is one.
func last[C instructions.Command](s instructions.Stage) (found C, ok bool) {
	for _, command := range s.Commands {
		if c, is := command.(C); is {
			found, ok = c, true
		}
	}
	return found, ok
}

// final is the stage that becomes the image.
func (r *recipe) final() instructions.Stage { return r.stages[len(r.stages)-1] }

// environment returns the variables that the image sets.
func (r *recipe) environment() map[string]string {
	env := map[string]string{}
	for _, command := range r.final().Commands {
		if c, is := command.(*instructions.EnvCommand); is {
			for _, pair := range c.Env {
				env[pair.Key] = pair.Value
			}
		}
	}
	return env
}

// checkDockerfile says what is wrong with a Dockerfile. It is given the Go version
// of go.mod, such as "1.26.0".
func checkDockerfile(r *recipe, goVersion string) (complaints []string) {
	complaints = append(complaints, r.warnings...)
	complaints = append(complaints, checkBuilder(r, goVersion)...)
	return append(complaints, checkImage(r)...)
}

// checkBuilder looks at the stages before the final one.
func checkBuilder(r *recipe, goVersion string) (complaints []string) {
	minor := goVersion[:strings.LastIndexByte(goVersion, '.')]
	if base := r.stages[0].BaseName; !strings.HasPrefix(base, "golang:"+minor+"-") {
		complaints = append(complaints, fmt.Sprintf("builds with %s, go.mod says Go %s", base, goVersion))
	}
	run, _ := last[*instructions.RunCommand](r.stages[0])
	line := ""
	if run != nil {
		line = strings.Join(run.CmdLine, " ")
	}
	for _, word := range []string{"CGO_ENABLED=0", "-trimpath", "./services/presenced", "./clientctl"} {
		if !strings.Contains(line, word) {
			complaints = append(complaints, "the build does not say "+word)
		}
	}
	return complaints
}

// checkImage looks at the final stage.
func checkImage(r *recipe) (complaints []string) {
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }

	if user, ok := last[*instructions.UserCommand](r.final()); !ok || isRoot(user.User) {
		complain("the image runs as root")
	}
	if entry, ok := last[*instructions.EntrypointCommand](r.final()); !ok || entry.PrependShell || !slices.Equal(entry.CmdLine, []string{"/presenced"}) {
		complain("ENTRYPOINT is not the exec form of /presenced")
	}
	if health, ok := last[*instructions.HealthCheckCommand](r.final()); !ok || !slices.Equal(health.Health.Test, []string{"CMD", "/presenced", "health"}) {
		complain("HEALTHCHECK is not the exec form of /presenced health")
	}
	if stop, ok := last[*instructions.StopSignalCommand](r.final()); !ok || stop.Signal != "SIGTERM" {
		complain("STOPSIGNAL is not SIGTERM, by which presenced shuts down")
	}
	for name := range r.environment() {
		if slices.ContainsFunc([]string{"PASSWORD", "URI", "TOKEN", "SECRET", "KEY"}, func(w string) bool { return strings.Contains(name, w) }) {
			complain("ENV %s puts a secret into the image", name)
		}
	}
	from, ok := last[*instructions.CopyCommand](r.final())
	if !ok || !slices.ContainsFunc(r.stages[:len(r.stages)-1], func(s instructions.Stage) bool { return s.Name == from.From }) {
		complain("the programs are not copied from a stage of this file")
	}
	return complaints
}

// isRoot says whether a USER, with or without a group, is the superuser.
func isRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return name == "" || name == "root" || name == "0"
}

// exposed returns the ports that the image says it listens on.
func (r *recipe) exposed() []string {
	expose, ok := last[*instructions.ExposeCommand](r.final())
	if !ok {
		return nil
	}
	ports := make([]string, 0, len(expose.Ports))
	for _, p := range expose.Ports {
		port, _, _ := strings.Cut(p, "/") // its protocol
		ports = append(ports, port)
	}
	return ports
}
