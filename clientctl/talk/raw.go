package talk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/presenced/presence/services/protocol"
)

// maxMessage is the most bytes of a message that a server takes: one that is longer would
// end the connection.
const maxMessage = 64 << 10

// theServers are limits that no number exceeds: the limits are the server's to tell.
var theServers = protocol.Limits{MaxFibonacci: math.MaxUint64, MaxSequence: math.MaxUint64, MaxUsers: protocol.MaxPresent}

var (
	errEmptyID = errors.New("the id of the message is empty: leave it out, or give one")
	errTooLong = fmt.Errorf("a message of more than %d bytes would end the connection: ask in several", maxMessage)
)

// parseMessage reads a line that is a message of the protocol. It goes out as it was
// typed, with an id if it has none.
func parseMessage(line string) Line {
	var m protocol.Command
	if e := protocol.Parse([]byte(line), theServers, &m); e != nil && e.Code != protocol.OutOfRange {
		return Line{Err: fmt.Errorf("the message is not sent: %s", e.Message)}
	}
	id, err := messageID(m.ID)
	if err != nil {
		return Line{Err: err}
	}
	c := Command{
		Type: m.Type, Raw: line, id: id,
		N: strconv.FormatUint(m.N, 10), Users: m.Users, Limit: m.Limit, After: m.After, Level: m.Level,
	}
	if len(c.encode(strconv.FormatUint(math.MaxUint64, 10))) > maxMessage {
		return Line{Err: errTooLong}
	}
	return Line{Command: c}
}

// messageID is the id that a message came with, as key makes it.
func messageID(quoted []byte) (string, error) {
	if quoted == nil {
		return "", nil
	}
	var id any
	d := json.NewDecoder(bytes.NewReader(quoted))
	d.UseNumber()
	if err := d.Decode(&id); err != nil {
		return "", err
	}
	if id == "" {
		return "", errEmptyID
	}
	return key(id), nil
}

// encodeRaw gives the message an id if it has none.
func (c Command) encodeRaw(id string) []byte {
	if c.id != "" {
		return []byte(c.Raw)
	}
	const brace = 1
	return append([]byte(`{"id":"`+id+`",`), c.Raw[brace:]...)
}
