package webhook

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/presenced/presence/services/presence"
)

var (
	noon  = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	grace = 5 * time.Second
)

// told is a page in short.
func short(page []change) (text string) {
	for _, c := range page {
		text += fmt.Sprintf("%s %s %s;", c.Type, c.User, c.when().Sub(noon))
	}
	return text
}

func mustTake(t *testing.T, l *ledger, most int, now time.Time, want string, wantMore bool) {
	t.Helper()
	page, more := l.take(most, now)
	if got := short(page); got != want || more != wantMore {
		t.Errorf("at %s: %q, more: %v; want %q, %v", now.Sub(noon), got, more, want, wantMore)
	}
}

func TestLedger_a_leave_waits_for_grace(t *testing.T) {
	l := newLedger(grace, nil, noon)
	l.changed("ana", false, noon.Add(-time.Hour), noon)
	mustTake(t, l, 9, noon.Add(grace-1), "", false)
	mustTake(t, l, 9, noon.Add(grace), "leave ana -1h0m0s;", false)
	mustTake(t, l, 9, noon.Add(2*grace), "", false)
	l.changed("ana", true, noon.Add(7*time.Second), noon)
	mustTake(t, l, 9, noon, "join ana 7s;", false)
}

func TestLedger_who_is_back_has_not_left(t *testing.T) {
	l := newLedger(grace, nil, noon)
	l.changed("ana", false, noon, noon)
	l.changed("ana", true, noon, noon.Add(time.Second))
	mustTake(t, l, 9, noon.Add(time.Hour), "", false)
	l.changed("ana", false, noon, noon.Add(4*time.Second)) // the wait begins anew
	mustTake(t, l, 9, noon.Add(8*time.Second), "", false)
	mustTake(t, l, 9, noon.Add(9*time.Second), "leave ana 0s;", false)
}

func TestLedger_who_came_and_went_is_not_told_of(t *testing.T) {
	l := newLedger(0, nil, noon)
	l.changed("ana", true, noon, noon)
	l.changed("ana", false, noon, noon)
	mustTake(t, l, 9, noon, "", false)
}

func TestLedger_take_the_oldest_first(t *testing.T) {
	l := newLedger(0, nil, noon)
	for i, user := range []string{"eve", "dan", "cat", "bob", "ana"} {
		l.changed(user, i%2 == 0, noon.Add(time.Duration(i/2)*time.Second), noon)
	}
	mustTake(t, l, 2, noon, "leave dan 0s;join eve 0s;", true)
	want := []presence.HookOdd{{User: "ana", At: noon.Add(2 * time.Second)}, {User: "bob", Told: true, At: noon.Add(time.Second)}, {User: "cat", At: noon.Add(time.Second)}}
	if got := l.keep(); !reflect.DeepEqual(got, want) {
		t.Errorf("kept %+v, want %+v", got, want)
	}
	mustTake(t, l, 2, noon, "leave bob 1s;join cat 1s;", true)
	mustTake(t, l, 2, noon, "join ana 2s;", false)
	if got := l.keep(); got != nil {
		t.Errorf("kept %+v", got)
	}
}

// Whoever goes on from the store gives those who left the whole grace, and tells of those
// who came at once.
func TestLedger_from_the_store(t *testing.T) {
	l := newLedger(grace, []presence.HookOdd{{User: "ana", Told: true, At: noon}, {User: "bob", At: noon}}, noon)
	mustTake(t, l, 9, noon, "join bob 0s;", false)
	mustTake(t, l, 9, noon.Add(grace), "leave ana 0s;", false)
}
