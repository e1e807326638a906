package browser

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/boltstore"
	"github.com/presenced/presence/services/presence"
)

// A day in the chart, with what is not known of it, in all looks that there are.
func TestOperator_Day(t *testing.T) {
	dir := t.TempDir()
	day(t, dir, time.Now())
	o := startOperators(t, "--data-dir", dir)
	for i := range 40 {
		o.connect(t, fmt.Sprint(names[i%len(names)], "-", i/len(names)))
	}
	o.connect(t, "ana-0")
	p := o.look(t)
	p.choose("#ranges", "24 h")
	p.until("a day is shown", query(".silence")+"?.getBBox().width > 10")
	p.says("#legend", "40 users online")
	p.says("#marks-summary", "1 lost, 3 started, 2 left")
	p.choose("#measures", "Connections")
	p.says("#legend", "41 connections online")
	p.choose("#measures", "Users")

	// While the node was silent nobody is online, and some are unknown.
	p.click("#marks-details summary")
	p.click("#marks .lost button")
	p.says("#legend", "unknown")
	p.says("#legend", "0 users online")
	p.says("#crowd-total", "0 connections online, ")
	p.until("all are unknown", query("#crowd tbody .badge")+`?.innerText === "unknown"`)
	if rows := p.rows("#crowd"); strings.Contains(rows, "| online |") || strings.Count(rows, "| unknown |") < 30 {
		t.Errorf("who was online while the node was silent:\n%s", rows)
	}
	p.click("#marks-details summary")
	value[bool](p, query("#when")+".focus() ?? true")
	for range 12 {
		p.press(right)
	}
	p.until("it is still silent", query("#crowd-when")+".innerText.endsWith("+query("#when-words")+".innerText) && "+query("#legend")+`.innerText.includes("0 users online")`)
	value[bool](p, "document.activeElement.blur() ?? true")
	p.shoot("operator-day")
	p.legible()
	p.shoot("operator-day-dark")
	p.size(390, 844)
	p.fits()
	p.shoot("operator-phone-dark")
	p.dark(false)
	p.shoot("operator-phone")
}

// With the keyboard alone: another range, and back in time.
func TestOperator_Keyboard(t *testing.T) {
	dir := t.TempDir()
	day(t, dir, time.Now())
	o := startOperators(t, "--data-dir", dir)
	p := o.look(t)
	value[bool](p, query(`#ranges input[value="15 min"]`)+".focus() ?? true")
	for range 3 {
		p.press(right)
	}
	p.until("a day is shown", query(`#ranges input[value="24 h"]`)+".checked && "+query(".silence"))
	value[bool](p, query("#when")+".focus() ?? true")
	end := p.text("#when-words")
	p.press(left)
	p.until("another time", query("#when-words")+".innerText !== "+quote(end))
	p.until("which is said", query("#when")+`.getAttribute("aria-valuetext").includes("online")`)
	p.press(home)
	p.until("the beginning", query("#when-words")+".innerText === "+query("#when-from")+".innerText")
	p.says("#crowd-total", "connections online")
	p.press(keyEnd)
	p.until("the end", query("#when-words")+".innerText === "+query("#when-to")+".innerText")
	p.until("what has the focus is seen to have it", "getComputedStyle(document.activeElement).outlineStyle !== 'none'")
}

// What retention has deleted is shown as that, not as nobody.
func TestOperator_Forgotten(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	day(t, dir, now)
	retain(t, dir, now.Add(-12*time.Hour))
	o := startOperators(t, "--data-dir", dir)
	p := o.look(t)
	p.choose("#ranges", "24 h")
	p.until("half of it is not kept", query(".forgotten rect")+"?.getBBox().width > 200")
	p.until("which it says", query(".forgotten")+`.textContent === "not kept"`)
	p.says("#history-span", "nothing is kept")
	value[bool](p, query("#when")+".focus() ?? true")
	p.press(home)
	p.says("#crowd-error", "before what retention has kept")
	p.hidden("#crowd-scroll")
	p.shoot("operator-forgotten")
	p.press(keyEnd)
	p.hidden("#crowd-error")
}

// A node that does not beat is late, and then declared lost by the other.
func TestOperator_DeadNode(t *testing.T) {
	dir := t.TempDir()
	db, err := boltstore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	n2 := events.Stream{Node: "n2", Epoch: 7}
	began := events.Milliseconds(time.Now()).Add(-time.Minute)
	store := db.Store()
	_, err = store.Log.Append(t.Context(), []events.Event{
		{ID: n2.At(0), Type: events.Opened, At: began, Process: "p", Addr: "localhost:8082", Version: "v1.0.0"},
		{ID: n2.At(1), Type: events.Connected, At: began, User: "zoe"},
	})
	if err == nil {
		err = store.Nodes.Join(t.Context(), presence.Node{Stream: n2, Addr: "localhost:8082", Beat: 1, Tail: n2.At(1), Connections: 1, Version: "v1.0.0", StartedAt: began})
	}
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	o := startOperators(t, "--data-dir", dir)
	p := o.look(t)
	p.says("#nodes", "localhost:8082")
	p.says("#nodes", "Late, ")
	p.click("#stats-details summary")
	p.shoot("operator-dead-node")
	p.says("#events", "n2 was declared lost by n1")
	p.says("#events", "zoe was lost with its node, n2")
	p.says("#stats-takeovers", "1")
	p.until("it is no node any more", "!"+query("#nodes")+`.innerText.includes("n2")`)
	p.says("#marks-summary", "1 lost")
}

// retain deletes what is older than a horizon.
func retain(t *testing.T, dir string, horizon time.Time) {
	t.Helper()
	db, err := boltstore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	horizon = events.Milliseconds(horizon)
	cuts, err := presence.PlanRetention(t.Context(), db.Store(), horizon)
	if err == nil && len(cuts) == 0 {
		t.Error("there is nothing to delete")
	}
	if err == nil {
		err = presence.Retain(t.Context(), db.Store(), horizon, cuts, func(presence.Cut) {})
	}
	if err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
