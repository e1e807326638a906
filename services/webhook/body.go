package webhook

import (
	"bytes"
	"encoding/json"
	"time"
)

// message is the body of a delivery, in the shape that Standard Webhooks proposes.
type message struct {
	Type      string    `json:"type"`
	ID        string    `json:"id"`
	Timestamp time.Time `json:"timestamp"` // when it was written down
	Data      data      `json:"data"`
}

// typePresence is the one type of message that there is.
const typePresence = "presence"

// data is what a delivery tells.
type data struct {
	Number   uint64   `json:"number"`
	Resync   bool     `json:"resync,omitempty"`
	Part     int      `json:"part,omitempty"` // of a resync, from 1 on
	More     bool     `json:"more,omitempty"` // parts of it follow
	Changes  []change `json:"changes"`
	Position string   `json:"position"`
}

// change is one user who came or left. A presence.Hook finds his name in it.
type change struct {
	Type  kind      `json:"type"`
	User  string    `json:"user"`
	Since time.Time `json:"since,omitzero"` // of a join
	At    time.Time `json:"at,omitzero"`    // of a leave
}

type kind string

const (
	join  kind = "join"
	leave kind = "leave"
)

// encode is the body of a message. It ends without a newline.
func (m message) encode() string {
	if m.Data.Changes == nil {
		m.Data.Changes = []change{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(m) // texts, numbers and times of the log: there is nothing that cannot be encoded
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
