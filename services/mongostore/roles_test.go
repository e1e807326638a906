package mongostore_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/mongostore"
	"github.com/presenced/presence/services/mongostore/mongotest"
	"github.com/presenced/presence/services/presence"
	"github.com/presenced/presence/services/presence/storetest"
)

// rolesScript is what makes the roles.
const rolesScript = "init/presence-roles.js"

// stub stands for the database admin in mongosh: it keeps what the script makes, and
// refuses what a server would refuse.
const stub = `
const made = {roles: {}, users: {}, calls: []};
const once = (all, name, what) => { if (all[name]) throw new Error(name + " exists"); all[name] = what; };
const again = (all, name, what) => { if (!all[name]) throw new Error(name + " does not exist"); Object.assign(all[name], what); };
const admin = {
  getRole: n => made.roles[n] || null, getUser: n => made.users[n] || null,
  createRole: r => { made.calls.push("createRole"); once(made.roles, r.role, r); },
  updateRole: (n, r) => { made.calls.push("updateRole"); again(made.roles, n, r); },
  createUser: u => { made.calls.push("createUser"); once(made.users, u.user, u); },
  updateUser: (n, u) => { made.calls.push("updateUser"); again(made.users, n, u); },
};
const db = {getSiblingDB: n => { if (n !== "admin") throw new Error("database " + n); return admin; }};
const script = new Function("db", "process", "require", "print", require("fs").readFileSync(path, "utf8"));
let failed = "";
for (const env of runs) {
  try { script(db, {env}, require, () => {}); } catch (e) { failed = e.message; }
}
print(JSON.stringify({...made, failed}));`

// made is what a script has made in the stub.
type made struct {
	Roles map[string]struct {
		Privileges []struct {
			Resource struct {
				DB, Collection string
				Cluster        bool
			}
			Actions []string
		}
		Roles []struct{ Role, DB string }
	}
	Users map[string]struct {
		Pwd   string
		Roles []struct{ Role, DB string }
	}
	Calls  []string
	Failed string
}

// runScript runs the script once with each of the environments, on one stub.
func runScript(t *testing.T, runs ...map[string]string) (m made) {
	t.Helper()
	path, err := filepath.Abs(rolesScript)
	if err != nil {
		t.Fatal(err)
	}
	variables, err := json.Marshal(map[string]any{"path": path, "runs": runs})
	if err != nil {
		t.Fatal(err)
	}
	out := mongotest.Mongosh(t, "--nodb", fmt.Sprintf("(() => { const {path, runs} = %s; %s })()", variables, stub))
	if err := json.Unmarshal([]byte(out), &m); err != nil {
		t.Fatalf("mongosh printed %q: %v", out, err)
	}
	return m
}

var passwords = map[string]string{"PRESENCE_PASSWORD": "one", "PRESENCE_OPERATOR_PASSWORD": "two"}

// rights are those of a role on the database presence, without what it inherits.
func (m made) rights(t *testing.T, role string) map[right]bool {
	t.Helper()
	all := make(map[right]bool)
	for _, p := range m.Roles[role].Privileges {
		for _, action := range p.Actions {
			if p.Resource.Cluster != (p.Resource.DB == "") || !p.Resource.Cluster && (p.Resource.DB != "presence" || p.Resource.Collection == "") {
				t.Errorf("%s may %s of %+v", role, action, p.Resource)
			}
			all[right{p.Resource.Collection, action}] = true
		}
	}
	return all
}

func TestRoles_script_makes_and_updates(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := runScript(t, passwords, map[string]string{"PRESENCE_PASSWORD_FILE": file, "PRESENCE_OPERATOR_PASSWORD": "three"})
	if m.Failed != "" {
		t.Fatal(m.Failed)
	}
	if got, want := strings.Join(m.Calls, " "), "createRole createUser createRole createUser updateRole updateUser updateRole updateUser"; got != want {
		t.Errorf("it does %s, want %s", got, want)
	}
	if u := m.Users["presence"]; u.Pwd != "from a file" || fmt.Sprint(u.Roles) != "[{presence-service admin}]" {
		t.Errorf("the service's user is %+v", u)
	}
	if u := m.Users["presence-operator"]; u.Pwd != "three" || fmt.Sprint(u.Roles) != "[{presence-operator admin}]" {
		t.Errorf("the operator's user is %+v", u)
	}
	if r := fmt.Sprint(m.Roles["presence-operator"].Roles, m.Roles["presence-service"].Roles); r != "[{presence-service admin}] []" {
		t.Errorf("the roles inherit %s", r)
	}
	other := maps.Clone(passwords)
	other["PRESENCE_DATABASE"], other["PRESENCE_USER"], other["PRESENCE_OPERATOR_USER"] = "test", "svc", "ops"
	if m := runScript(t, other); m.Users["svc"].Roles[0].Role != "test-service" || m.Users["ops"].Roles[0].Role != "test-operator" ||
		m.Roles["test-service"].Privileges[0].Resource.DB != "test" {
		t.Errorf("with other names: %+v", m)
	}
}

// In the shell itself the script sends the commands that make all of it, and, where it is
// there, those that bring it up to date.
func TestRoles_script_in_the_shell(t *testing.T) {
	for name, password := range passwords {
		t.Setenv(name, password)
	}
	path, err := filepath.Abs(rolesScript)
	if err != nil {
		t.Fatal(err)
	}
	for verb, there := range map[string]bool{"create": false, "update": true} {
		s := serveFake(t, func(command string, body bson.Raw, _ int) bson.D {
			list, asks := map[string]string{"rolesInfo": "roles", "usersInfo": "users"}[command]
			if !asks {
				return nil
			}
			found := bson.A{}
			if there {
				found = append(found, body.Lookup(command)) // what it asks for
			}
			return bson.D{{Key: list, Value: found}, {Key: "ok", Value: 1.0}}
		})
		out := mongotest.Mongosh(t, s.URI, fmt.Sprintf("load(%q)", path))
		if !strings.Contains(out, "the user presence has the role presence-service") || strings.Contains(out, "one") {
			t.Errorf("%s: it prints %q", verb, out)
		}
		for _, what := range []string{"Role", "User"} {
			sent := s.received(verb + what)
			if len(sent) != 2 {
				t.Fatalf("%d %s%s, want 2: %s", len(sent), verb, what, out)
			}
			if db := sent[0].body.Lookup("$db").StringValue(); db != "admin" {
				t.Errorf("%s%s in the database %s", verb, what, db)
			}
		}
		service := s.received(verb + "Role")[0].body
		if got := service.Lookup("privileges", "0", "actions").String(); !strings.Contains(got, `"insert"`) || strings.Contains(got, `"remove"`) {
			t.Errorf("%s: the service may %s of events", verb, got)
		}
		if got := s.received(verb + "User")[1].body.Lookup("pwd").StringValue(); got != "two" {
			t.Errorf("%s: the operator's password is %q", verb, got)
		}
	}
}

// Without a password for both, nothing is made: there is no default.
func TestRoles_script_wants_passwords(t *testing.T) {
	with := func(more map[string]string) map[string]string {
		env := maps.Clone(passwords)
		maps.Copy(env, more)
		return env
	}
	for says, env := range map[string]map[string]string{
		"PRESENCE_PASSWORD is not set":          {"PRESENCE_OPERATOR_PASSWORD": "two"},
		"PRESENCE_OPERATOR_PASSWORD is not set": {"PRESENCE_PASSWORD": "one"},
		"leave one of them out":                 with(map[string]string{"PRESENCE_PASSWORD_FILE": "x"}),
		"no such file":                          {"PRESENCE_PASSWORD_FILE": filepath.Join(t.TempDir(), "none"), "PRESENCE_OPERATOR_PASSWORD": "two"},
		"are the same":                          with(map[string]string{"PRESENCE_OPERATOR_USER": "presence"}),
	} {
		if m := runScript(t, env); !strings.Contains(m.Failed, says) || len(m.Calls) != 0 {
			t.Errorf("%v: it says %q and does %q, want %q", env, m.Failed, m.Calls, says)
		}
	}
}

// The roles have all the rights that the store's commands need, when the contract's suite
// runs over it and an operator's commands do, and no other.
func TestRoles_have_the_rights_that_the_store_needs(t *testing.T) {
	m := runScript(t, passwords)
	may, mayBesides := m.rights(t, "presence-service"), m.rights(t, "presence-operator")
	server := mongotest.Start(t)
	service, operator := newTap(t, server.URI), newTap(t, server.URI)
	both := func(t *testing.T) (asService, asOperator presence.Store) {
		database := "test_" + strings.ToLower(rand.Text()[:12])
		asService = opened(t, mongostore.Config{URI: service.URI, Database: database}, mongostore.OpenPatiently).Store()
		asOperator = opened(t, mongostore.Config{URI: operator.URI, Database: database}, mongostore.OpenPatiently).Store()
		return asService, asOperator
	}
	t.Run("suite", func(t *testing.T) {
		fewChecks(t)
		storetest.Run(t, func(t *testing.T) presence.Store {
			s, o := both(t)
			s.Retention, s.Forgetting = o.Retention, o.Forgetting
			return s
		})
	})
	t.Run("operator", func(t *testing.T) { operate(t, both) })
	for _, fake := range []func(*testing.T){service.view, service.watch} {
		fake(t)
	}
	for _, who := range []struct {
		name    string
		tap     *tap
		may, of map[right]bool // what it may, and what of that is to be used
	}{
		{"service", service, may, may},
		{"operator", operator, union(may, mayBesides), mayBesides},
	} {
		for r := range who.tap.used {
			if !who.may[r] {
				t.Errorf("the %s needs the right %v, and has it not: add it to %s", who.name, r, rolesScript)
			}
		}
		for r := range who.of {
			if !who.tap.used[r] && r != (right{"online_users", "find"}) {
				t.Errorf("the %s has the right %v, and does not use it", who.name, r)
			}
		}
		if len(who.tap.unknown) > 0 {
			t.Errorf("the %s sends commands that this test does not know: %v", who.name, who.tap.unknown)
		}
	}
	for _, r := range []right{{"events", "update"}, {"events", "remove"}, {"snapshots", "update"}, {"snapshots", "remove"}} {
		if may[r] || !mayBesides[r] {
			t.Errorf("%v is for the operator alone", r)
		}
	}
}

// fewChecks is for a suite of which only the commands are looked at, not the data.
func fewChecks(t *testing.T) {
	const checks = "rapid.checks"
	before := flag.Lookup(checks).Value.String()
	if err := flag.Set(checks, "3"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(checks, before) })
}

func union(a, b map[right]bool) map[right]bool {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// operate does what an operator's commands do, as the operator.
func operate(t *testing.T, both func(*testing.T) (asService, asOperator presence.Store)) {
	s, o := both(t)
	history := []events.Event{
		{ID: golden.At(0), Type: events.Opened, At: at, Process: "p"},
		{ID: golden.At(1), Type: events.Connected, At: at, User: "ana"},
		{ID: golden.At(2), Type: events.Connected, At: at.Add(time.Hour), User: "bob"},
		{ID: golden.At(3), Type: events.Disconnected, At: at.Add(2 * time.Hour), User: "ana", Conn: golden.At(1), Reason: events.Client},
		{ID: golden.At(4), Type: events.Disconnected, At: at.Add(3 * time.Hour), User: "bob", Conn: golden.At(2), Reason: events.Client},
		{ID: golden.At(5), Type: events.Sealed, At: at.Add(3 * time.Hour), By: "n1", Reason: events.Shutdown},
	}
	if _, err := s.Log.Append(t.Context(), history); err != nil {
		t.Fatal(err)
	}
	ghost := presence.ConnectionOf(history[1])
	if err := s.Online.Apply(t.Context(), []presence.Connection{ghost}, nil); err != nil {
		t.Fatal(err)
	}
	v := presence.Verifier{Store: o}
	report, err := v.Verify(t.Context())
	if err != nil || len(report.Problems) != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	if _, err := v.Repair(t.Context(), report); err != nil {
		t.Fatal(err)
	}
	horizon := at.Add(30 * time.Minute)
	cuts, err := presence.PlanRetention(t.Context(), o, horizon)
	if err != nil || len(cuts) != 1 {
		t.Fatalf("cuts %v, %v", cuts, err)
	}
	if err := presence.Retain(t.Context(), o, horizon, cuts, func(presence.Cut) {}); err != nil {
		t.Fatal(err)
	}
	told := presence.Hook{HookLease: presence.HookLease{Revision: 1}, Odd: []presence.HookOdd{{User: "ana", At: at}}}
	if err := s.Hooks.Save(t.Context(), told); err != nil {
		t.Fatal(err)
	}
	if done, err := presence.Forget(t.Context(), o, "ana", func(presence.Forgotten) {}); err != nil || done.Connections != 1 || !done.Hook {
		t.Fatalf("%+v, %v", done, err)
	}
	if report, err = v.Verify(t.Context()); err != nil || !report.Holds() {
		t.Errorf("%+v, %v", report, err)
	}
}

// view notes the commands with which a start makes the view, or brings it up to date.
func (p *tap) view(t *testing.T) {
	s := serveFake(t, func(command string, _ bson.Raw, _ int) bson.D {
		if command == "create" {
			return failure(48, "NamespaceExists", "it exists")
		}
		return nil
	})
	open(t, mongostore.Config{URI: s.URI})
	p.noteAll(s)
}

// watch notes the commands with which the log is watched on a replica set.
func (p *tap) watch(t *testing.T) {
	s := serveSet(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := open(t, mongostore.Config{URI: s.URI}).Store().Changes.Watch(ctx, cancel)
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	p.noteAll(s)
}

func (p *tap) noteAll(s *fakeServer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.commands {
		p.note(c.body)
	}
}

// On a MongoDB with users the script makes two, and the service can record, and cannot
// change or delete what it has recorded. The server is the one at MONGODB_URI, whose user
// must be one that may make users.
func TestRoles_on_MongoDB(t *testing.T) {
	uri, database := mongotest.URI(t), mongotest.Database(t)
	client := mongotest.Client(t, uri)
	var build struct {
		FerretDB string `bson:"ferretdbVersion"`
	}
	if err := client.Database("admin").RunCommand(t.Context(), bson.D{{Key: "buildInfo", Value: 1}}).Decode(&build); err != nil {
		t.Fatal(err)
	}
	if build.FerretDB != "" {
		t.Skip("SKIPPED, NOT TESTED: FerretDB has no roles: set MONGODB_URI to a MongoDB with authentication, and a user who may make users")
	}
	for _, name := range []string{"PRESENCE_DATABASE", "PRESENCE_PASSWORD", "PRESENCE_OPERATOR_PASSWORD", "PRESENCE_USER", "PRESENCE_OPERATOR_USER"} {
		t.Setenv(name, database+strings.ToLower(strings.TrimPrefix(name, "PRESENCE")))
	}
	t.Setenv("PRESENCE_DATABASE", database)
	for range 2 {
		mongotest.Mongosh(t, uri, fmt.Sprintf("load(%q)", rolesScript))
	}
	t.Cleanup(func() {
		mongotest.Mongosh(t, uri, fmt.Sprintf(`const a = db.getSiblingDB("admin"), d = %q;
			for (const u of ["_user", "_operator_user"]) a.dropUser(d + u); for (const r of ["-operator", "-service"]) a.dropRole(d + r)`, database))
	})
	as := func(user, password string) (presence.Store, *mongo.Collection) {
		o := options.Client().ApplyURI(uri).SetAuth(options.Credential{Username: user, Password: password, PasswordSet: true, AuthSource: "admin"})
		raw, err := mongo.Connect(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = raw.Disconnect(context.Background()) })
		c := mongostore.Config{Host: strings.Join(o.Hosts, ","), User: user, Password: password, Database: database}
		return opened(t, c, mongostore.OpenPatiently).Store(), raw.Database(database).Collection("events")
	}
	s, raw := as(database+"_user", database+"_password")
	o, _ := as(database+"_operator_user", database+"_operator_password")
	operate(t, func(*testing.T) (asService, asOperator presence.Store) { return s, o })
	if _, err := raw.DeleteMany(t.Context(), bson.D{}); err == nil {
		t.Error("the service deletes events")
	}
	if _, err := raw.UpdateMany(t.Context(), bson.D{}, bson.D{{Key: "$set", Value: bson.D{{Key: "user", Value: "bob"}}}}); err == nil {
		t.Error("the service changes events")
	}
}
