package containers

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// deployDir has what is mounted into the containers.
const deployDir = "services/deploy"

// TestProfiles holds what is started by which profiles: as docker compose does it, with
// the .env file.
func TestProfiles(t *testing.T) {
	for _, tt := range []struct {
		profiles, want []string
	}{
		{nil, []string{"app", "mongo"}},
		{[]string{"scale"}, []string{"database", "presenced", "proxy"}},
		{[]string{"scale", "observe"}, []string{"database", "grafana", "presenced", "prometheus", "proxy"}},
	} {
		options, err := cli.NewProjectOptions([]string{root + "/docker-compose.yml"}, cli.WithName("presence"),
			cli.WithWorkingDirectory(root), cli.WithEnvFiles(), cli.WithDotEnv, cli.WithDefaultProfiles(tt.profiles...))
		if err != nil {
			t.Fatal(err)
		}
		project, err := options.LoadProject(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := project.ServiceNames(); !slices.Equal(got, tt.want) {
			t.Errorf("docker compose --profile %v starts %v, want %v", tt.profiles, got, tt.want)
		}
	}
}

// TestSecrets_AreMade holds that make-secrets makes the files that the compose file
// gives to containers, and no others.
func TestSecrets_AreMade(t *testing.T) {
	loop := regexp.MustCompile(`(?m)^for name in (.+); do$`).FindStringSubmatch(read(t, deployDir+"/make-secrets"))
	if loop == nil {
		t.Fatal("make-secrets has no loop over the names of secrets")
	}
	made := strings.Fields(loop[1])
	for name, secret := range compose(t, read(t, composeFile)).Secrets {
		i := slices.Index(made, name)
		if i < 0 || path.Base(secret.File) != name || path.Dir(secret.File) != "/project/"+deployDir+"/secrets" {
			t.Errorf("secret %s is to come from %s, which make-secrets does not make", name, secret.File)
			continue
		}
		made = slices.Delete(made, i, i+1)
	}
	if len(made) > 0 {
		t.Errorf("make-secrets makes %v, which nothing uses", made)
	}
}

// TestMounts_AreThere holds that what is mounted from this repository is in it.
func TestMounts_AreThere(t *testing.T) {
	for name, s := range compose(t, read(t, composeFile)).Services {
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if !v.ReadOnly {
				t.Errorf("%s can write to %s", name, v.Source)
			}
			inside := strings.TrimPrefix(v.Source, "/project/")
			if len(run(t, "git", "ls-files", "--", inside)) == 0 {
				t.Errorf("%s mounts %s, which is not in this repository", name, inside)
			}
		}
	}
}

func TestCheckScale_BrokenCopies(t *testing.T) {
	checkBroken(t, []brokenCopy{
		{"published to everyone", "proxy", "127.0.0.1:8080:8080", "8080:8080", `publishes port 8080 on ""`},
		{"Prometheus published to everyone", "prometheus", "127.0.0.1:9090:9090", "9090:9090", `publishes port 9090 on ""`},
		{"a writable image", "", "read_only: true", "read_only: false", "can write to its image"},
		{"capabilities", "", "cap_drop: [ALL]", "cap_drop: []", "keeps capabilities"},
		{"new privileges", "", "no-new-privileges:true", "no-new-privileges:false", "may gain privileges"},
		{"no limit of processes", "", "pids_limit: 256", "pids_limit: 0", "has no limit of processes"},
		{"no memory limit", "proxy", "    mem_limit: 512m\n", "", "has no memory limit"},
		{"an image of any version", "proxy", "haproxy:3.2-alpine", "haproxy", "is of no version"},
		{"an image of the latest version", "proxy", "haproxy:3.2-alpine", "haproxy:latest", "is of no version"},
		{"a password in the file", "presenced", "DB_PASSWORD_FILE: /run/secrets/service_password", "DB_PASSWORD: x", "has DB_PASSWORD in the file"},
		{"a secret that is not given", "presenced", "secrets: [service_password, admin_token]", "secrets: [admin_token]", "reads /run/secrets/service_password"},
		{"nodes with a port of their own", "presenced", "    secrets: [service_password, admin_token]\n", "    secrets: [service_password, admin_token]\n    ports: [\"127.0.0.1:8090:8080\"]\n", "publishes a port"},
		{"nodes with one id", "presenced", `WS_PORT: "8080"`, "NODE_ID: n1", "all nodes have one id"},
		{"no time to drain", "presenced", "DRAIN_TIMEOUT: 25s", "DRAIN_TIMEOUT: 30s", "is stopped by force"},
		{"a delay that the proxy does not notice", "presenced", "DRAIN_DELAY: 4s", "DRAIN_DELAY: 1s", "before the proxy"},
		{"a proxy that is not trusted", "presenced", "TRUSTED_PROXIES: ${PRESENCE_SUBNET:-172.31.77.0/24}", "TRUSTED_PROXIES: 10.0.0.0/24", "does not trust"},
		{"the operator's rights for nodes", "presenced", "DB_USER: presence\n", "DB_USER: presence-operator\n", "logs in as"},
		{"a database within reach of others", "", "internal: true", "internal: false", "back is not internal"},
		{"root", "database", `user: "999:999"`, `user: "0:0"`, "runs as root"},
	})
}

// checkScale says what is wrong with the services of the profile scale.
func checkScale(p *types.Project) (complaints []string) {
	for _, why := range checkNodes(p) {
		complaints = append(complaints, "service presenced "+why)
	}
	if user := p.Services["database"].User; user == "" || strings.HasPrefix(user, "0") || strings.HasPrefix(user, "root") {
		complaints = append(complaints, "service database runs as root")
	}
	if !p.Networks["back"].Internal {
		complaints = append(complaints, "network back is not internal")
	}
	return complaints
}

// checkSecrets holds that passwords and tokens come from files which the service is given.
func checkSecrets(s types.ServiceConfig) (complaints []string) {
	for name := range s.Environment {
		v := value(s, name)
		if secret := regexp.MustCompile(`PASSWORD|TOKEN|SECRET|URI`).MatchString(name); secret && !strings.HasSuffix(name, "_FILE") {
			complaints = append(complaints, "has "+name+" in the file")
		}
		given, isFile := strings.CutPrefix(v, "/run/secrets/")
		if isFile && !slices.ContainsFunc(s.Secrets, func(c types.ServiceSecretConfig) bool { return c.Source == given }) {
			complaints = append(complaints, "reads "+v+" and is not given it")
		}
	}
	return complaints
}

// proxyNotices is how long the proxy may take to find out that a node is not ready: two
// checks, a second apart, and a moment.
const proxyNotices = 3 * time.Second

// checkNodes holds that there may be several of presenced, behind the proxy.
func checkNodes(p *types.Project) (complaints []string) {
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	s := p.Services["presenced"]
	if len(s.Ports) > 0 || s.ContainerName != "" {
		complain("publishes a port or has a name, which two cannot have")
	}
	if value(s, "NODE_ID") != "" {
		complain("has NODE_ID: all nodes have one id")
	}
	if value(s, "DB_USER") != "presence" {
		complain("logs in as %q, not as the service", value(s, "DB_USER"))
	}
	drain, _ := time.ParseDuration(value(s, "DRAIN_TIMEOUT"))
	if drain == 0 || drain >= time.Duration(*s.StopGracePeriod) {
		complain("has DRAIN_TIMEOUT=%s, and is stopped by force after %s", drain, time.Duration(*s.StopGracePeriod))
	}
	if delay, _ := time.ParseDuration(value(s, "DRAIN_DELAY")); delay < proxyNotices {
		complain("leaves %s after it began to, before the proxy knows", delay)
	}
	front := p.Networks["front"].Ipam.Config
	if len(front) != 1 || front[0].Subnet != value(s, "TRUSTED_PROXIES") {
		complain("does not trust the network of the proxy")
	}
	for _, host := range []string{"proxy", "database"} {
		if _, there := p.Services[host]; !there {
			complain("has no %s", host)
		}
	}
	return complaints
}
