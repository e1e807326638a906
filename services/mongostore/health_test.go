package mongostore_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/presenced/presence/services/mongostore/mongotest"
)

// healthScript is the health check of MongoDB in services/deploy, which makes the replica set.
const healthScript = "../deploy/mongo/health.js"

// TestHealthScript runs it in mongosh, on what servers say of themselves in each state: no
// server of these tests is a replica set with logins.
func TestHealthScript(t *testing.T) {
	tests := []struct {
		name, hello string
		code        int
		calls       []string
	}{
		{"the server that makes the users", `{isWritablePrimary: true}`, 1, nil},
		{"a replica set that is not made yet", `{isreplicaset: true, isWritablePrimary: false}`, 1,
			[]string{"auth root secret", `initiate {"_id":"presence","members":[{"_id":0,"host":"database:27017"}]}`}},
		{"an election", `{setName: "presence", isWritablePrimary: false}`, 1, nil},
		{"a primary", `{setName: "presence", isWritablePrimary: true}`, 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := mongotest.Mongosh(t, "--nodb", fmt.Sprintf(`
				const calls = [], codes = [], files = {"/run/secrets/root_password": "secret\n"};
				const server = {hello: () => (%s), getSiblingDB: n => ({auth: (u, p) => calls.push("auth " + u + " " + p)})};
				new Function("db", "rs", "quit", "require", require("fs").readFileSync(%q, "utf8"))(
					server, {initiate: c => calls.push("initiate " + JSON.stringify(c))}, c => codes.push(c),
					n => ({readFileSync: f => files[f]}));
				print(JSON.stringify({calls, codes}));`, tt.hello, healthScript))
			var got struct {
				Calls []string
				Codes []int
			}
			if err := json.Unmarshal([]byte(strings.TrimSpace(out)), &got); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if !slices.Equal(got.Codes, []int{tt.code}) || !slices.Equal(got.Calls, tt.calls) {
				t.Errorf("exit codes %v after %q, want %d after %q", got.Codes, got.Calls, tt.code, tt.calls)
			}
		})
	}
}
