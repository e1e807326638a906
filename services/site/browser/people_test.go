package browser

import (
	"testing"
)

// Two people see each other come and go.
func TestPeople_two_browsers(t *testing.T) {
	s := start(t)
	ana := online(t, s, "ana")
	ana.says("#people-count", "1 user, 1 device")
	ana.says(".person", "you")
	bob := online(t, s, "bob")
	ana.says(`.person[data-mark="joined"]`, "bob")
	ana.says("#people-count", "2 users, 2 devices")
	bob.says("#people-list", "ana")
	ana.shoot("people-joined")

	second := online(t, s, "bob")
	ana.says(".person:nth-child(2)", "2 devices")
	second.click("#disconnect")
	ana.says(".person:nth-child(2)", "1 device,")
	bob.click("#disconnect")
	ana.says(`.person[data-mark="left"]`, "bob")
	ana.says("#people-count", "1 user, 1 device")
	ana.shoot("people-left")
	ana.until("who left is not shown for ever", `document.querySelectorAll(".person").length === 1`)
	bob.says("#people-empty", "Connect to see who is online.")
}
