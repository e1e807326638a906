package witness

import (
	"testing"
	"time"
)

// One user, n1's client from second 10 to 100 and welcomed at 10.5, and one answer: at a
// second, given half a second later, two seconds after the one before.
func TestLies(t *testing.T) {
	bounds := Bounds{Close: 5 * time.Second, Silent: 35 * time.Second, Death: 20 * time.Second, Rejoin: 10 * time.Second}
	killed := Fault{Node: "n1", From: after(99), To: after(102)}
	paused := Fault{Node: "n1", Stood: true, From: after(60), To: after(80)}
	pausedAtTheEnd := Fault{Node: "n1", Stood: true, From: after(95), To: after(140)}
	elsewhere := Fault{Node: "n2", Stood: true, From: after(60), To: after(120)}
	const inside, outside = "inside", "outside"
	for name, tt := range map[string]struct {
		at     float64
		online int
		silent bool
		fault  *Fault
		ghost  string
		miss   string
	}{
		"not yet come":                   {at: 5},
		"online before it came":          {at: 5, online: 1, ghost: outside},
		"came while it was asked":        {at: 9.8, online: 1},
		"not yet welcomed":               {at: 10.2},
		"there":                          {at: 50, online: 1},
		"missing":                        {at: 50, miss: outside},
		"missing with another's fault":   {at: 70, fault: &elsewhere, miss: outside},
		"missing while its node stands":  {at: 70, fault: &paused, miss: inside},
		"missing right after that":       {at: 88, fault: &paused, miss: inside},
		"missing long after that":        {at: 91, fault: &paused, miss: outside},
		"missing before that":            {at: 59, fault: &paused, miss: outside},
		"left while it was asked":        {at: 99.8, online: 1},
		"left while it was asked, false": {at: 99.8},
		"lingers":                        {at: 104, online: 1, ghost: inside},
		"stays":                          {at: 106, online: 1, ghost: outside},
		"stays silent":                   {at: 134, online: 1, silent: true, ghost: inside},
		"stays silent for ever":          {at: 136, online: 1, silent: true, ghost: outside},
		"its node is dead":               {at: 119, online: 1, fault: &killed, ghost: inside},
		"its node is long dead":          {at: 121, online: 1, fault: &killed, ghost: outside},
		"its node stands still":          {at: 119, online: 1, fault: &pausedAtTheEnd, ghost: inside},
		"its node stands still for long": {at: 125, online: 1, fault: &pausedAtTheEnd, ghost: outside},
		"its node goes on":               {at: 150, online: 1, fault: &pausedAtTheEnd, ghost: inside},
		"its node goes on for long":      {at: 156, online: 1, fault: &pausedAtTheEnd, ghost: outside},
		"another node stands still":      {at: 110, online: 1, fault: &elsewhere, ghost: outside},
	} {
		t.Run(name, func(t *testing.T) {
			s := visitOf("ana", 10, 100, one.At(1))
			s.Silent = tt.silent
			answers := []Answer{{Asked: after(tt.at - 2)}, {after(tt.at), after(tt.at + 0.5), map[string]int{}}}
			if tt.online > 0 {
				answers[1].Online["ana"] = tt.online
			}
			var faults []Fault
			if tt.fault != nil {
				faults = append(faults, *tt.fault)
			}
			got, one := Lies(answers, []Sighting{s}, faults, bounds)
			want := LieSeconds{Ghost: split(tt.ghost), Missing: split(tt.miss)}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if wrong := tt.ghost == outside || tt.miss == outside; wrong != (len(one) == 1) {
				t.Errorf("told one by one: %+v", one)
			}
		})
	}
}

func split(side string) Split {
	switch side {
	case "inside":
		return Split{Inside: 2 * time.Second}
	case "outside":
		return Split{Outside: 2 * time.Second}
	}
	return Split{}
}

// Whoever is said to be online and never was a client is a ghost.
func TestLies_Stranger(t *testing.T) {
	answers := []Answer{{Asked: after(0)}, {after(1), after(1), map[string]int{"mallory": 1}}}
	if got, _ := Lies(answers, nil, nil, Bounds{}); got.Ghost.Outside != time.Second {
		t.Errorf("got %+v", got)
	}
}
