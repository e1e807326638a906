package mongostore

import (
	"context"
	"fmt"
	"io"
	"testing"

	"go.mongodb.org/mongo-driver/v2/event"
)

// What is cut short when Open gives up does not take the place of what was found out: the
// end of the last try may come before the error is put into words.
func TestSightings_giving_up_says_nothing_of_a_server(t *testing.T) {
	seen := sightings{kind: map[string]string{"db:1": unknownServer}}
	failed := seen.monitor().ServerHeartbeatFailed
	failed(&event.ServerHeartbeatFailedEvent{ConnectionID: "db:1[-1]", Failure: fmt.Errorf("read: %w", io.EOF)})
	failed(&event.ServerHeartbeatFailedEvent{ConnectionID: "db:1[-2]", Failure: fmt.Errorf("dial: %w", context.Canceled)})
	if got, want := seen.String(), "db:1 closes the connection (does it want TLS? then the URI needs tls=true)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
