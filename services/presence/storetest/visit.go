package storetest

import (
	"fmt"
	"time"

	"github.com/presenced/presence/events"
)

// visitAgent is what a browser calls itself.
const visitAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"

// Visit is the two events of a connection of a web page, the nth of a stream, as they come
// if everybody leaves before the next one comes: for measuring what they take.
func Visit(stream events.Stream, n int) [2]events.Event {
	at := time.UnixMilli(1795428000000 + int64(n)).UTC()
	user, seq := fmt.Sprintf("user-%06d", n%1_000_000), uint64(2*n+1)
	return [2]events.Event{
		{ID: stream.At(seq), Type: events.Connected, At: at, User: user, Remote: "203.0.113.0", Agent: visitAgent},
		{ID: stream.At(seq + 1), Type: events.Disconnected, At: at, User: user, Conn: stream.At(seq), Reason: events.Client},
	}
}
