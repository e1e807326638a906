package containers

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

// newKeys are keys of the compose file that docker-compose 1.29, which Debian still
// ships, does not know.
var newKeys = []string{"name", "required", "start_interval", "develop", "content", "attach", "configs", "models"}

// shutdownTime is what presenced is promised for its shutdown.
const shutdownTime = 5 * time.Second

// parseCompose reads a compose file as docker compose does: by its schema, with its
// references resolved.
func parseCompose(ctx context.Context, text string) (*types.Project, error) {
	details := types.ConfigDetails{
		WorkingDir:  "/project",
		ConfigFiles: []types.ConfigFile{{Filename: "docker-compose.yml", Content: []byte(text)}},
		Environment: types.Mapping{},
	}
	return loader.LoadWithContext(ctx, details, func(o *loader.Options) {
		o.SetProjectName("presence", true)
		o.Profiles = []string{"*"}
	})
}

// checkCompose says what is wrong with a compose file that goes with a Dockerfile.
func checkCompose(p *types.Project, image *recipe) (complaints []string) {
	for _, name := range p.ServiceNames() {
		for _, why := range slices.Concat(checkService(p.Services[name]), checkSecrets(p.Services[name])) {
			complaints = append(complaints, "service "+name+" "+why)
		}
	}
	return slices.Concat(complaints, checkOne(p, image), checkScale(p))
}

// checkOne holds what is wrong with the one node of the beginning and its database.
func checkOne(p *types.Project, image *recipe) (complaints []string) {
	app, isThere := p.Services["app"]
	mongo, isThereToo := p.Services["mongo"]
	if !isThere || !isThereToo {
		return append(complaints, "the services app and mongo are not both there")
	}
	for _, why := range slices.Concat(checkApp(app, image), checkWiring(p, app)) {
		complaints = append(complaints, "service app "+why)
	}
	for _, why := range checkMongo(p, mongo) {
		complaints = append(complaints, "service mongo "+why)
	}
	return complaints
}

// checkService holds what every service must keep to. The database of the beginning is as
// its image has it, and an operator's command may end.
func checkService(s types.ServiceConfig) (complaints []string) {
	if s.Name != "mongo" {
		complaints = checkHardening(s)
	}
	if s.Name != "operator" {
		complaints = append(complaints, checkLasting(s)...)
	}
	if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
		complaints = append(complaints, "may gain privileges")
	}
	if s.MemLimit == 0 {
		complaints = append(complaints, "has no memory limit")
	}
	if _, tag, _ := strings.Cut(s.Image, ":"); s.Image != "presence" && (tag == "" || tag == "latest") {
		complaints = append(complaints, "has an image that is of no version")
	}
	return complaints
}

// checkLasting holds what every service must keep to that is there to stay.
func checkLasting(s types.ServiceConfig) (complaints []string) {
	for _, port := range s.Ports {
		if port.HostIP != "127.0.0.1" {
			complaints = append(complaints, fmt.Sprintf("publishes port %d on %q, not on 127.0.0.1", port.Target, port.HostIP))
		}
	}
	if s.Restart != types.RestartPolicyUnlessStopped {
		complaints = append(complaints, fmt.Sprintf("has the restart policy %q", s.Restart))
	}
	if s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) <= 2*shutdownTime {
		complaints = append(complaints, "is not given time to stop")
	}
	return complaints
}

// checkApp holds the ports and the health check of presenced against its image.
func checkApp(s types.ServiceConfig, image *recipe) (complaints []string) {
	if s.Build == nil {
		complaints = append(complaints, "is not built from here")
	}
	if s.HealthCheck != nil {
		complaints = append(complaints, "replaces the health check of its image")
	}
	for _, port := range s.Ports {
		target := strconv.FormatUint(uint64(port.Target), 10)
		if want := value(s, "WS_PORT"); target != want {
			complaints = append(complaints, fmt.Sprintf("publishes port %s, and WS_PORT is %q", target, want))
		}
		if !slices.Contains(image.exposed(), target) {
			complaints = append(complaints, fmt.Sprintf("publishes port %s, which the image does not expose", target))
		}
	}
	if len(s.Ports) == 0 {
		complaints = append(complaints, "publishes no port")
	}
	return complaints
}

// checkHardening holds what a service does without.
func checkHardening(s types.ServiceConfig) (complaints []string) {
	if !s.ReadOnly {
		complaints = append(complaints, "can write to its image")
	}
	if !slices.Contains(s.CapDrop, "ALL") {
		complaints = append(complaints, "keeps capabilities")
	}
	if s.PidsLimit == 0 {
		complaints = append(complaints, "has no limit of processes")
	}
	if s.Privileged || s.User == "root" || s.User == "0" || len(s.CapAdd) > 0 {
		complaints = append(complaints, "is given privileges")
	}
	return complaints
}

// checkWiring holds that presenced waits for the database that it is told to use.
func checkWiring(p *types.Project, s types.ServiceConfig) (complaints []string) {
	host, port, err := net.SplitHostPort(value(s, "DB_HOST"))
	database, known := p.Services[host]
	if err != nil || !known {
		return []string{fmt.Sprintf("has DB_HOST=%q, which is no service of this file with a port", value(s, "DB_HOST"))}
	}
	if !slices.ContainsFunc(database.Ports, func(c types.ServicePortConfig) bool {
		return strconv.FormatUint(uint64(c.Target), 10) == port
	}) {
		complaints = append(complaints, fmt.Sprintf("has DB_HOST=%s, which listens elsewhere", value(s, "DB_HOST")))
	}
	if s.DependsOn[host].Condition != types.ServiceConditionHealthy {
		complaints = append(complaints, fmt.Sprintf("does not wait until %s is healthy", host))
	}
	return complaints
}

// checkMongo holds that the database can be waited for, and keeps its data.
func checkMongo(p *types.Project, s types.ServiceConfig) (complaints []string) {
	switch h := s.HealthCheck; {
	case h == nil || h.Disable || len(h.Test) < 2 || h.Test[0] != "CMD" || h.Test[1] != "mongosh":
		complaints = append(complaints, "has no health check by mongosh")
	case h.Timeout == nil || time.Duration(*h.Timeout) < 5*time.Second:
		complaints = append(complaints, "has a health check that is shorter than mongosh takes to start")
	}
	for _, v := range s.Volumes {
		if _, named := p.Volumes[v.Source]; named && v.Target == "/data/db" {
			return complaints
		}
	}
	return append(complaints, "does not keep /data/db in a named volume")
}

// value is what a service sets a variable to, "" if it does not.
func value(s types.ServiceConfig, name string) string {
	if v := s.Environment[name]; v != nil {
		return *v
	}
	return ""
}

// checkOldCompose holds that a file has no key that docker-compose 1.29 rejects.
func checkOldCompose(text string) (complaints []string, err error) {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		return nil, fmt.Errorf("yaml: %w", err)
	}
	visitKeys(&root, func(key *yaml.Node) {
		if slices.Contains(newKeys, key.Value) {
			complaints = append(complaints, fmt.Sprintf("line %d: docker-compose 1.29 does not know %s here", key.Line, key.Value))
		}
	})
	return complaints, nil
}

// visitKeys calls f with each key of each mapping under n but those of environments.
func visitKeys(n *yaml.Node, f func(key *yaml.Node)) {
	for i, child := range n.Content {
		isKey := n.Kind == yaml.MappingNode && i%2 == 0
		if isKey {
			f(child)
			continue
		}
		if n.Kind == yaml.MappingNode && n.Content[i-1].Value == "environment" {
			continue
		}
		visitKeys(child, f)
	}
}

// unknownVariables returns those of names that are not among known.
func unknownVariables(names, known []string) (complaints []string) {
	for _, name := range names {
		if !slices.Contains(known, name) {
			complaints = append(complaints, name+" is no variable of presenced")
		}
	}
	return complaints
}
