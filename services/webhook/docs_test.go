package webhook

import (
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// The delivery that docs/OPERATIONS.md shows is one that would be posted, signed with the
// secret that it names.
func TestMessage_the_example_is_one(t *testing.T) {
	text, err := os.ReadFile("../../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	find := func(pattern string) string {
		found := regexp.MustCompile(pattern).FindSubmatch(text)
		if found == nil {
			t.Fatalf("docs/OPERATIONS.md has no %s", pattern)
		}
		return string(found[1])
	}
	body, id := find(`\n    (\{"type":"presence".*)\n`), find(`Webhook-Id: (.*)\n`)
	var m message
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	if got := m.encode(); got != body || m.ID != id {
		t.Errorf("it would be\n%s\nand is\n%s", got, body)
	}
	seconds, err := strconv.ParseInt(find(`Webhook-Timestamp: (.*)\n`), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := find(`Webhook-Signature: (.*)\n`), mustSecret(find("`(whsec_.{40,}?)`")).sign(id, time.Unix(seconds, 0), body); got != want {
		t.Errorf("the signature is %s, want %s", got, want)
	}
}
