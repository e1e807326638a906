package containers

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// deployFile is the compose file for a deployment, and deployDir its folder.
const (
	deployDir  = "services/deploy"
	deployFile = deployDir + "/docker-compose.yml"
)

func TestDeploy(t *testing.T) {
	text := read(t, deployFile)
	report(t, checkDeploy(compose(t, text)))
	complaints, err := checkOldCompose(text)
	if err != nil {
		t.Fatal(err)
	}
	report(t, complaints)
}

// TestDeploy_VariablesAreKnown asks presenced which variables it reads.
func TestDeploy_VariablesAreKnown(t *testing.T) {
	known := variablesOfPresenced(t)
	project := compose(t, read(t, deployFile))
	for _, name := range []string{"presenced", "operator"} {
		report(t, unknownVariables(slices.Collect(maps.Keys(project.Services[name].Environment)), known))
	}
}

// TestDeploy_SecretsAreMade holds that make-secrets makes the files that the compose file
// gives to containers, and no others.
func TestDeploy_SecretsAreMade(t *testing.T) {
	loop := regexp.MustCompile(`(?m)^for name in (.+); do$`).FindStringSubmatch(read(t, deployDir+"/make-secrets"))
	if loop == nil {
		t.Fatal("make-secrets has no loop over the names of secrets")
	}
	made := strings.Fields(loop[1])
	for name, secret := range compose(t, read(t, deployFile)).Secrets {
		i := slices.Index(made, name)
		if i < 0 || path.Base(secret.File) != name || path.Base(path.Dir(secret.File)) != "secrets" {
			t.Errorf("secret %s is to come from %s, which make-secrets does not make", name, secret.File)
			continue
		}
		made = slices.Delete(made, i, i+1)
	}
	if len(made) > 0 {
		t.Errorf("make-secrets makes %v, which nothing uses", made)
	}
}

// TestDeploy_MountsAreThere holds that what is mounted from this repository is in it.
func TestDeploy_MountsAreThere(t *testing.T) {
	for name, s := range compose(t, read(t, deployFile)).Services {
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if !v.ReadOnly {
				t.Errorf("%s can write to %s", name, v.Source)
			}
			inside := path.Join(deployDir, strings.TrimPrefix(v.Source, "/project"))
			if strings.HasPrefix(v.Source, "/mongostore") { // ../mongostore of /project
				inside = path.Join("services", v.Source)
			}
			if len(run(t, "git", "ls-files", "--", inside)) == 0 {
				t.Errorf("%s mounts %s, which is not in this repository", name, inside)
			}
		}
	}
}

func TestCheckDeploy_BrokenCopies(t *testing.T) {
	text := read(t, deployFile)
	tests := []struct{ name, old, new, want string }{
		{"published to everyone", "127.0.0.1:8080:8080", "8080:8080", `publishes port 8080 on ""`},
		{"Prometheus published to everyone", "127.0.0.1:9090:9090", "9090:9090", `publishes port 9090 on ""`},
		{"a writable image", "read_only: true", "read_only: false", "can write to its image"},
		{"capabilities", "cap_drop: [ALL]", "cap_drop: []", "keeps capabilities"},
		{"new privileges", "no-new-privileges:true", "no-new-privileges:false", "may gain privileges"},
		{"no limit of processes", "pids_limit: 256", "pids_limit: 0", "has no limit of processes"},
		{"no memory limit", "    mem_limit: 512m\n", "", "has no memory limit"},
		{"an image of any version", "haproxy:3.2-alpine", "haproxy", "is of no version"},
		{"an image of the latest version", "haproxy:3.2-alpine", "haproxy:latest", "is of no version"},
		{"a password in the file", "DB_PASSWORD_FILE: /run/secrets/service_password", "DB_PASSWORD: x", "has DB_PASSWORD in the file"},
		{"a secret that is not given", "secrets: [service_password, admin_token]", "secrets: [admin_token]", "reads /run/secrets/service_password"},
		{"nodes with a port of their own", "    secrets: [service_password, admin_token]\n", "    secrets: [service_password, admin_token]\n    ports: [\"127.0.0.1:8090:8080\"]\n", "publishes a port"},
		{"nodes with one id", `WS_PORT: "8080"`, "NODE_ID: n1", "all nodes have one id"},
		{"no time to drain", "DRAIN_TIMEOUT: 25s", "DRAIN_TIMEOUT: 30s", "is stopped by force"},
		{"a delay that the proxy does not notice", "DRAIN_DELAY: 4s", "DRAIN_DELAY: 1s", "before the proxy"},
		{"a proxy that is not trusted", "TRUSTED_PROXIES: ${PRESENCE_SUBNET:-172.31.77.0/24}", "TRUSTED_PROXIES: 10.0.0.0/24", "does not trust"},
		{"the operator's rights for nodes", "DB_USER: presence\n", "DB_USER: presence-operator\n", "logs in as"},
		{"a database within reach of others", "internal: true", "internal: false", "back is not internal"},
		{"root", `user: "999:999"`, `user: "0:0"`, "runs as root"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := checkDeploy(compose(t, replace(t, text, tt.old, tt.new)))
			if len(got) == 0 || !slices.ContainsFunc(got, func(c string) bool { return strings.Contains(c, tt.want) }) {
				t.Errorf("got %q, want a complaint that contains %q", got, tt.want)
			}
		})
	}
}

// checkDeploy says what is wrong with the compose file for a deployment.
func checkDeploy(p *types.Project) (complaints []string) {
	for _, name := range p.ServiceNames() {
		for _, why := range slices.Concat(checkDeployed(p.Services[name]), checkSecrets(p.Services[name])) {
			complaints = append(complaints, "service "+name+" "+why)
		}
	}
	for _, why := range checkNodes(p) {
		complaints = append(complaints, "service presenced "+why)
	}
	if user := p.Services["mongo"].User; user == "" || strings.HasPrefix(user, "0") || strings.HasPrefix(user, "root") {
		complaints = append(complaints, "service mongo runs as root")
	}
	if !p.Networks["back"].Internal {
		complaints = append(complaints, "network back is not internal")
	}
	return complaints
}

// checkDeployed holds what every service of a deployment does without.
func checkDeployed(s types.ServiceConfig) (complaints []string) {
	if len(s.Profiles) == 0 || s.Restart != types.RestartPolicyNo {
		complaints = checkService(s)
	}
	complaints = append(complaints, checkHardening(s)...)
	if _, tag, _ := strings.Cut(s.Image, ":"); s.Image != "presence" && (tag == "" || tag == "latest") {
		complaints = append(complaints, "has an image that is of no version")
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
	for _, host := range []string{"proxy", "mongo"} {
		if _, there := p.Services[host]; !there {
			complain("has no %s", host)
		}
	}
	return complaints
}
