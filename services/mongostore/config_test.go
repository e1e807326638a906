package mongostore

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestConfig_clientOptions_hands_over_what_was_set(t *testing.T) {
	tests := []struct {
		name     string
		config   Config
		hosts    []string
		user     string
		password string
		source   string
	}{
		{name: "host alone", config: Config{Host: "db1"}, hosts: []string{"db1:27017"}},
		{name: "several hosts", config: Config{Host: "db1:27018, db2"}, hosts: []string{"db1:27018", "db2:27017"}},
		{name: "IPv6", config: Config{Host: "::1"}, hosts: []string{"[::1]:27017"}},
		{name: "IPv6 in brackets", config: Config{Host: "[fe80::1]"}, hosts: []string{"[fe80::1]:27017"}},
		{name: "IPv6 with a port", config: Config{Host: "[::1]:1"}, hosts: []string{"[::1]:1"}},
		{
			name:   "user and password with every reserved character",
			config: Config{Host: "db1", User: "a@b:c/d%e?f#g[h]i", Password: "p@:/%?#[]&=, ü"},
			hosts:  []string{"db1:27017"}, user: "a@b:c/d%e?f#g[h]i", password: "p@:/%?#[]&=, ü", source: "admin",
		},
		{
			name:   "a percent sign that looks like an escape",
			config: Config{Host: "db1", User: "u", Password: "100%25", AuthSource: "people"},
			hosts:  []string{"db1:27017"}, user: "u", password: "100%25", source: "people",
		},
		{
			name:   "URI with a user",
			config: Config{URI: "mongodb://u:p%40ss@db1:1,db2:2/app?replicaSet=rs0"},
			hosts:  []string{"db1:1", "db2:2"}, user: "u", password: "p@ss", source: "app",
		},
		{
			name:   "URI without a user, and one beside it",
			config: Config{URI: "mongodb://db1:1/app", User: "u", Password: "p@ss"},
			hosts:  []string{"db1:1"}, user: "u", password: "p@ss", source: "admin",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := tt.config.clientOptions(1)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(o.Hosts, tt.hosts) {
				t.Errorf("hosts %q, want %q", o.Hosts, tt.hosts)
			}
			if tt.user == "" {
				if o.Auth != nil {
					t.Errorf("it authenticates, and no user is set")
				}
				return
			}
			if o.Auth.Username != tt.user || o.Auth.Password != tt.password || o.Auth.AuthSource != tt.source {
				t.Errorf("credential %+v, want %q %q of %q", *o.Auth, tt.user, tt.password, tt.source)
			}
		})
	}
}

func TestConfig_clientOptions_forces_what_is_promised(t *testing.T) {
	weak := "mongodb://db1/?w=1&journal=false&readPreference=secondary&readConcernLevel=local" +
		"&maxPoolSize=1000&minPoolSize=500&serverSelectionTimeoutMS=60000&connectTimeoutMS=60000&retryWrites=true"
	o, err := Config{URI: weak}.clientOptions(controlPool)
	if err != nil {
		t.Fatal(err)
	}
	if w := o.WriteConcern; w.W != "majority" || w.Journal == nil || !*w.Journal {
		t.Errorf("write concern %+v, want majority with journal", w)
	}
	if o.ReadConcern.Level != "majority" || o.ReadPreference.Mode().String() != "primary" {
		t.Errorf("read concern %q of %s, want majority of primary", o.ReadConcern.Level, o.ReadPreference.Mode())
	}
	if *o.MaxPoolSize != controlPool || *o.MinPoolSize != 0 {
		t.Errorf("pool of %d to %d, want 0 to %d", *o.MinPoolSize, *o.MaxPoolSize, controlPool)
	}
	if *o.ServerSelectionTimeout != selectTimeout || *o.ConnectTimeout != connectTimeout || *o.RetryWrites {
		t.Errorf("selection %s, connect %s, retryWrites %t: want %s, %s, false",
			*o.ServerSelectionTimeout, *o.ConnectTimeout, *o.RetryWrites, selectTimeout, connectTimeout)
	}
}

func TestConfig_Validate_names_the_setting(t *testing.T) {
	tests := []struct {
		name   string
		config Config
		want   []string
	}{
		{"nothing", Config{}, []string{setURI, setHost}},
		{"both addresses", Config{URI: "mongodb://a", Host: "b"}, []string{setURI, setHost}},
		{"no scheme", Config{URI: "db1:27017"}, []string{setURI, "mongodb://"}},
		{"another scheme", Config{URI: "http://db1"}, []string{setURI, "mongodb://"}},
		{"no host in the URI", Config{URI: "mongodb://u:p@/app"}, []string{setURI, "host"}},
		{"a URI as host", Config{Host: "mongodb://db1"}, []string{setHost, setURI}},
		{"a port that is no number", Config{Host: "db1:mongo"}, []string{setHost, "port"}},
		{"a port too high", Config{Host: "db1:65536"}, []string{setHost, "port"}},
		{"an empty host", Config{Host: "db1,,db2"}, []string{setHost, "host:port"}},
		{"a path as host", Config{Host: "db1/app"}, []string{setHost, "host:port"}},
		{"no user", Config{Host: "db1", Password: "p"}, []string{setPassword, setUser}},
		{"no password", Config{Host: "db1", User: "u"}, []string{setPassword, setUser}},
		{"authSource without user", Config{Host: "db1", AuthSource: "x"}, []string{setAuthSource, setUser}},
		{"two users", Config{URI: "mongodb://u:p@db1", User: "v", Password: "q"}, []string{setURI, setUser}},
		{"a database of the server", Config{Host: "db1", Database: "admin"}, []string{setDatabase, "server"}},
		{"a bad database", Config{Host: "db1", Database: "a b"}, []string{setDatabase, `"a b"`}},
		{"a bad database in the URI", Config{URI: "mongodb://db1/a$b"}, []string{setURI, `"a$b"`}},
		{"a long database", Config{Host: "db1", Database: strings.Repeat("x", 64)}, []string{setDatabase, "63"}},
		{"two things wrong", Config{Host: "db1:x", User: "u"}, []string{setHost, setPassword}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.config.Validate()
			if err == nil {
				t.Fatal("it is valid")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not have %q: %v", want, err)
				}
			}
		})
	}
}

func TestConfig_clientOptions_explains_a_URI_that_the_driver_refuses(t *testing.T) {
	tests := map[string]string{
		"mongodb://u:p@db1/?tls=perhaps":                "tls",
		"mongodb://u:p@db1?tls=true":                    "MONGODB_URI",
		"mongodb://u:a@b@db1":                           "%40",
		"mongodb://u:a/b@db1":                           "%2F",
		"mongodb://u:a:b@db1":                           "%3A",
		"mongodb://u:100%@db1":                          "%25",
		"mongodb://db1/?authMechanism=X&w=1":            "auth mechanism",
		"mongodb://db1,db2/?directConnection=true":      "direct",
		"mongodb://user:secret":                         "end with @",
		"mongodb://db1/?replicaSet=a&loadBalanced=true": "loadBalanced",
	}
	for text, want := range tests {
		_, err := Config{URI: text}.clientOptions(1)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), setURI) {
			t.Errorf("%s: %v: want one that names %s and has %q", text, err, setURI, want)
		}
	}
}

func TestConfig_String(t *testing.T) {
	tests := map[string]Config{
		"MongoDB at db1:27017, database presence":       {Host: "db1"},
		"MongoDB at db1:1,[::1]:27017, database people": {Host: "db1:1,::1", User: "u", Password: "p", Database: "people"},
		"MongoDB at db1, database presence":             {URI: "mongodb://u:p@db1"},
		"MongoDB at db1:1,db2, database app":            {URI: "mongodb://u:p@db1:1,db2/app?replicaSet=rs0"},
		"MongoDB at c.example.net, database people":     {URI: "mongodb+srv://u:p@c.example.net/app", Database: "people"},
		"MongoDB at xxxxx, database presence":           {URI: "mongodb://user:secret/secret?secret"},
	}
	for want, c := range tests {
		if got := c.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// However a password is written, escaped or not, in the URI or beside it, with the rest
// right or wrong: nothing that is printed has it.
func TestConfig_never_shows_a_password(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const mark = "Hunter2" // no text of ours or of the driver has it
		piece := rapid.StringOf(rapid.RuneFrom([]rune(`aZ09@:/%?#[]&=,;$ ü"\`)))
		password := piece.Draw(t, "before") + mark + piece.Draw(t, "after")
		written := rapid.SampledFrom([]string{password, url.QueryEscape(password), url.PathEscape(password)}).Draw(t, "written")
		c := rapid.SampledFrom([]Config{
			{URI: "mongodb://user:" + written + "@db1:27017/app"},
			{URI: "mongodb://user:" + written + "@"},
			{URI: "mongodb://user:" + written + "@db1:port/?tls=perhaps"},
			{URI: "mongodb://user:" + written + "@db1?" + "tls=1"},
			{URI: "user:" + written + "@db1"},
			{URI: "mongodb:/user:" + written + "@db1"},
			{URI: "mongodb://user@db1/?tlsCertificateKeyFilePassword=" + written},
			{URI: "mongodb://db1/?authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:" + written},
			{Host: "db1", User: "user", Password: password},
			{Host: "db1:port", User: "user", Password: password},
			{Host: "db1", Password: password},
			{URI: "mongodb://u:p@db1", User: "user", Password: password},
			{URI: "mongodb://db1/?tls=perhaps", User: "user", Password: password},
		}).Draw(t, "config")

		_, err := c.clientOptions(1)
		text, _ := json.Marshal(c)
		shown := []string{
			fmt.Sprint(c), fmt.Sprintf("%+v %#v %q", c, c, c), string(text), fmt.Sprint(err), fmt.Sprintf("%#v", err),
		}
		if err == nil { // the driver can quote what it was given
			given := written
			if c.Password != "" {
				given = c.Password
			}
			shown = append(shown, c.refusedOptions(fmt.Errorf("the driver quotes %s", given)).Error())
		}
		for _, text := range shown {
			if strings.Contains(text, mark) {
				t.Fatalf("%q is shown in %s", mark, text)
			}
		}
	})
}
