package boltstore

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// A connection is written as encoding/json writes it, whatever its texts are, and read
// again as it was.
func TestEncodeConnection_AsEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := presence.Connection{
			ID:     events.Stream{Node: "n-1", Epoch: rapid.Uint32Min(1).Draw(t, "epoch")}.At(rapid.Uint64Max(events.MaxSeq).Draw(t, "seq")),
			User:   rapid.String().Draw(t, "user"),
			Since:  time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "since")).UTC(),
			Remote: rapid.String().Draw(t, "remote"),
			Agent:  rapid.SampledFrom([]string{"", "a/1", "a \"b\" \\ <c> & d", "é\u2028"}).Draw(t, "agent"),
		}
		want, err := json.Marshal(connectionRecord{
			ID: c.ID.String(), User: c.User, Since: c.Since, Node: c.ID.Node, Remote: c.Remote, Agent: c.Agent,
		})
		if err != nil {
			t.Fatal(err)
		}
		got := encodeConnection(c)
		if string(got) != string(want) {
			t.Fatalf("%s\nwant %s", got, want)
		}
		if read, err := decodeConnection([]byte(c.ID.String()), got); err != nil || read != c {
			t.Fatalf("read as %+v, %v, and was %+v", read, err, c)
		}
	})
}
