package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/presenced/presence/services/mongostore/mongotest"
)

// manual is the text of one of the documents.
func manual(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// set is the first group of each match, each once, in order.
func set(pattern, text string) []string {
	found := make(map[string]bool)
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found[m[1]] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// The table of metrics has each metric that there is, and no other.
func TestOperations_metrics(t *testing.T) {
	_, chapter, _ := strings.Cut(manual(t, "docs/OPERATIONS.md"), "\n## Metrics\n")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	first := regexp.MustCompile(`(?m)^\| (.*?) \| (?:gauge|counter|histogram|)`).FindAllString(chapter, -1)
	documented := set("`(presence_[a-z_]+)", strings.Join(first, "\n"))
	tg := start(t, embeddedBackend(t), listen(t).flags()...)
	if there := set(`(?m)^# HELP (presence_[a-z_]+) `, metricsOf(t, tg)); !slices.Equal(documented, there) {
		t.Errorf("documented are\n%q, and there are\n%q", documented, there)
	}
}

// notHere are queries that only MongoDB can answer, or only as a replica set or a sharded
// cluster; the tests may have a FerretDB.
var notHere = regexp.MustCompile(`^(sh|rs)\.|^db\.currentOp\(`)

// The queries that the documents show are answered, of a database in which a node and
// two clients are.
func TestOperations_queries(t *testing.T) {
	database, uri := mongotest.Database(t), mongotest.URI(t)
	tg := start(t, backend{storeMongoDB, []string{"--mongodb-uri", uri, "--db-database", database}})
	dial(t, tg, "ana")
	dial(t, tg, "bob")
	var script strings.Builder
	n := 0
	fmt.Fprintf(&script, "db = db.getSiblingDB(%q);\n", database)
	for _, name := range []string{"README.md", "docs/OPERATIONS.md", "docs/ARCHITECTURE.md"} {
		for _, m := range regexp.MustCompile(`(?m)^ +> ((?:db|rs|sh)\..*)$`).FindAllStringSubmatch(manual(t, name), -1) {
			if query := m[1]; !notHere.MatchString(query) {
				n++
				fmt.Fprintf(&script, "try { const r = %s; print(%q, EJSON.stringify(r && r.toArray ? r.toArray() : r)); } catch (e) { print('FAILED', %q, e.message); }\n", query, query, query)
			}
		}
	}
	if n < 10 {
		t.Fatalf("they show %d queries", n)
	}
	answers := mongotest.Mongosh(t, uri, script.String())
	if strings.Contains(answers, "FAILED") || strings.Count(answers, "\n") < n {
		t.Errorf("%d queries are answered with\n%s", n, answers)
	}
	for _, want := range []string{`"_id":"n1","connections":2`, `"user":"ana"`} {
		if !strings.Contains(answers, want) {
			t.Errorf("no answer has %s:\n%s", want, answers)
		}
	}
}
