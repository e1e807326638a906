package browser

import (
	"slices"
	"strings"
	"testing"
)

// What can be operated on the operators' page has a name, and its parts are found by theirs.
func TestOperator_AccessibleNames(t *testing.T) {
	o := startOperators(t)
	o.connect(t, "ana")
	p := o.look(t)
	p.says("#crowd", "ana")
	p.says("#events-state", "Live")
	p.click("#stats-details summary")
	p.click("#marks-details summary")
	o.connect(t, "bob")
	p.says("#events", "bob came")
	whole := p.accessible()
	p.until("ana is listed", `[...document.querySelectorAll("#crowd button")].some((b) => b.textContent === "ana" && (b.click() ?? true))`)
	p.until("her session is there", query("#sessions tbody")+".rows.length === 1")
	p.click("#kick-ask")
	p.shown("#kick-confirm")
	card := p.accessible()
	operable := []string{
		"button", "textbox", "searchbox", "slider", "radio", "radiogroup", "link", "img", "image", "table", "region", "dialog",
		"DisclosureTriangle", "columnheader", "rowheader",
	}
	for _, n := range append(whole, card...) {
		if slices.Contains(operable, n.role) && strings.TrimSpace(n.name) == "" {
			t.Errorf("a %s has no name", n.role)
		}
	}
	for _, want := range []named{
		{"banner", ""}, {"main", ""}, {"contentinfo", ""}, {"heading", "Presence operations"},
		{"region", "Nodes"}, {"region", "How many were online"}, {"region", "Who was online"}, {"region", "The log, as it grows"}, {"region", "Verify"},
		{"radiogroup", "How much of the past"}, {"radio", "15 minutes"}, {"radio", "Users"}, {"button", "Go to the end"},
		{"searchbox", "Only events with"}, {"button", "Pause"}, {"button", "Verify the log"}, {"button", "ana"}, {"rowheader", "n1 (this one)"}, {"table", "Nodes"}, {"table", "Who was online"},
	} {
		if !slices.Contains(whole, want) {
			t.Errorf("there is no %s %q", want.role, want.name)
		}
	}
	for _, want := range []named{
		{"dialog", "ana"}, {"button", "Close"}, {"textbox", "Reason, which the client is told"}, {"button", "Close all connections…"},
		{"group", "Close all connections of this user? The client is told, and may connect again."}, {"button", "Yes, close"}, {"button", "No"}, {"table", "Sessions"},
	} {
		if !slices.Contains(card, want) {
			t.Errorf("in the card of a user there is no %s %q", want.role, want.name)
		}
	}
	if t.Failed() {
		t.Log(whole, card)
	}
	p.wellFormed()
}
