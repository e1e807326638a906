package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/presence"
)

// userCases are the sentences of presence.Online.Users.
var userCases = []testCase{
	{"group_connections_of_all_nodes_and_streams", usersGroup},
	{"since_the_oldest_connection_that_is_left", usersOldest},
	{"page_with_next", usersPage},
	{"by_name", usersByName},
	{"by_name_pages_too", usersByNamePages},
	{"with_hostile_names", usersHostile},
	{"total_is_of_all_connections", usersTotal},
	{"none", usersNone},
	{"connections_of_one", connectionsOfUser},
	{"connections_of_one_with_a_hostile_name", connectionsOfHostile},
}

// longUser is as long as a user id may be, and ends in a character of four bytes.
var longUser = strings.Repeat("x", events.MaxUser-4) + "\U0001F642"

// hostile are user ids that mean something to some database, codec or sort order.
var hostile = []string{
	"$where", "a.b.c", "$", ".", "..", `"`, `'`, `\`, `\u0000`, "`", "{}", `{"$ne":null}`, "null", "true", "0", "-1", "1e3",
	"n1/00000001/0000000000000001", "/", "a/b", "a", "A", "aa", "a b", "a-b", "a0", "%00", "<script>", "&amp;", "é", "e\u0301",
	"ß", "ss", "日本語", "\U0001F469\u200D\U0001F680", "\uFFFD", "\U0010FFFF", "_id", "__proto__", "42", "042", "constructor", longUser,
}

// at is a connection of the user, made some seconds after the beginning.
func at(stream events.Stream, seq uint64, user string, seconds int) presence.Connection {
	return presence.Connection{ID: stream.At(seq), User: user, Since: began.Add(time.Duration(seconds) * time.Second)}
}

// mustFind fails unless the answer to q is want, whatever the total.
func mustFind(t tester, o presence.Online, q presence.UserQuery, want []presence.User) presence.UserPage {
	t.Helper()
	page, err := o.Users(t.Context(), q)
	must(t, err)
	if len(page.Users) != len(want) {
		t.Fatalf("%+v: %d users, want %d: %+v", q, len(page.Users), len(want), page.Users)
	}
	for i := range want {
		if !reflect.DeepEqual(page.Users[i], want[i]) {
			t.Fatalf("%+v: user %d\nis   %+v\nwant %+v", q, i, page.Users[i], want[i])
		}
	}
	return page
}

func usersGroup(t *testing.T, s presence.Store) {
	n1, n1b, n1a, n10 := events.Stream{Node: "n1", Epoch: 1}, events.Stream{Node: "n1", Epoch: 2},
		events.Stream{Node: "n1-a", Epoch: 1}, events.Stream{Node: "n10", Epoch: 1}
	mustApply(t, s.Online, []presence.Connection{at(n1, 1, "b", 9), at(n1, 2, "a", 5), at(n1, 3, "b", 8)})
	mustApply(t, s.Online, []presence.Connection{at(n1b, 1, "b", 3)})
	mustApply(t, s.Online, []presence.Connection{at(n1a, 1, "b", 4), at(n1a, 2, "c", 1)})
	mustApply(t, s.Online, []presence.Connection{at(n10, 7, "b", 2), at(n10, 9, "bb", 7)})

	mustFind(t, s.Online, presence.UserQuery{Limit: 10}, []presence.User{
		{User: "a", Since: began.Add(5 * time.Second), Connections: 1, Nodes: []string{"n1"}},
		{User: "b", Since: began.Add(2 * time.Second), Connections: 5, Nodes: []string{"n1", "n1-a", "n10"}},
		{User: "bb", Since: began.Add(7 * time.Second), Connections: 1, Nodes: []string{"n10"}},
		{User: "c", Since: began.Add(1 * time.Second), Connections: 1, Nodes: []string{"n1-a"}},
	})
}

func usersOldest(t *testing.T, s presence.Store) {
	n1, n2 := events.Stream{Node: "n1", Epoch: 1}, events.Stream{Node: "n2", Epoch: 1}
	mustApply(t, s.Online, []presence.Connection{at(n1, 1, "a", 3), at(n1, 2, "a", 4)})
	mustApply(t, s.Online, []presence.Connection{at(n2, 1, "a", 1)})
	want := presence.User{User: "a", Since: began.Add(time.Second), Connections: 3, Nodes: []string{"n1", "n2"}}
	mustFind(t, s.Online, presence.UserQuery{Limit: 1}, []presence.User{want})

	must(t, s.Online.DropStream(t.Context(), n2))
	want = presence.User{User: "a", Since: began.Add(3 * time.Second), Connections: 2, Nodes: []string{"n1"}}
	mustFind(t, s.Online, presence.UserQuery{Limit: 1}, []presence.User{want})

	mustApply(t, s.Online, nil, n1.At(1))
	want = presence.User{User: "a", Since: began.Add(4 * time.Second), Connections: 1, Nodes: []string{"n1"}}
	mustFind(t, s.Online, presence.UserQuery{Limit: 1}, []presence.User{want})

	mustApply(t, s.Online, nil, n1.At(2))
	mustFind(t, s.Online, presence.UserQuery{Limit: 1}, nil)
}

// crowd has each of the users on two nodes, and returns them as Users should.
func crowd(t *testing.T, o presence.Online, users []string) (want []presence.User) {
	t.Helper()
	for i, node := range []string{"n1", "n2"} {
		stream := events.Stream{Node: node, Epoch: 1}
		var add []presence.Connection
		for j, user := range users {
			add = append(add, at(stream, uint64(j+1), user, i+j))
		}
		mustApply(t, o, add)
	}
	for j, user := range users {
		want = append(want, presence.User{
			User: user, Since: began.Add(time.Duration(j) * time.Second), Connections: 2, Nodes: []string{"n1", "n2"},
		})
	}
	slices.SortFunc(want, func(a, b presence.User) int { return strings.Compare(a.User, b.User) })
	return want
}

func usersPage(t *testing.T, s presence.Store) {
	var users []string
	for i := range 24 {
		users = append(users, fmt.Sprint("u", i))
	}
	want := crowd(t, s.Online, users)
	for _, limit := range []int{1, 5, 6, 23, 24, 25, presence.MaxUserPage} {
		q := presence.UserQuery{Limit: limit}
		for rest := want; len(rest) > 0; {
			n := min(limit, len(rest))
			page := mustFind(t, s.Online, q, rest[:n])
			rest = rest[n:]
			if (page.Next == "") != (len(rest) == 0) {
				t.Fatalf("limit %d: next is %q, and %d users are left", limit, page.Next, len(rest))
			}
			q.After = page.Next
		}
	}
	// After a name that is not online: those beyond it, compared as bytes.
	mustFind(t, s.Online, presence.UserQuery{After: "u12x", Limit: 2}, want[5:7])
	mustFind(t, s.Online, presence.UserQuery{After: "u9", Limit: 2}, nil)
}

func usersByName(t *testing.T, s presence.Store) {
	want := crowd(t, s.Online, []string{"a", "b", "c", "d"})
	for _, c := range []struct {
		names []string
		want  []presence.User
	}{
		{nil, want},
		{[]string{}, nil},
		{[]string{"c"}, want[2:3]},
		{[]string{"d", "b"}, []presence.User{want[1], want[3]}},
		{[]string{"nobody", "b", "B", "aa"}, want[1:2]},
		{[]string{"", "b", "b\x00", "b\xff", longUser + "x", "b "}, want[1:2]}, // no user has such an id
		{[]string{"nobody"}, nil},
		{[]string{"a", "a", "a"}, want[:1]},
	} {
		page := mustFind(t, s.Online, presence.UserQuery{Users: c.names, Limit: 10}, c.want)
		if page.Next != "" {
			t.Fatalf("%q: next is %q on the last page", c.names, page.Next)
		}
	}
	var names []string
	for i := range presence.MaxUserPage {
		names = append(names, fmt.Sprint("a", i))
	}
	names[500] = "c"
	mustFind(t, s.Online, presence.UserQuery{Users: names, Limit: presence.MaxUserPage}, want[2:3])
}

func usersByNamePages(t *testing.T, s presence.Store) {
	want := crowd(t, s.Online, []string{"a", "b", "c", "d", "e"})
	names := []string{"e", "nobody", "b", "a", "d"}
	page := mustFind(t, s.Online, presence.UserQuery{Users: names, Limit: 2}, want[:2])
	page = mustFind(t, s.Online, presence.UserQuery{Users: names, After: page.Next, Limit: 2}, want[3:])
	if page.Next != "" {
		t.Fatalf("next is %q on the last page", page.Next)
	}
	mustFind(t, s.Online, presence.UserQuery{Users: names, After: "c", Limit: 1}, want[3:4])
	mustFind(t, s.Online, presence.UserQuery{Users: names, After: "e", Limit: 1}, nil)
}

func usersHostile(t *testing.T, s presence.Store) {
	for _, user := range hostile {
		must(t, events.ValidateUser(user))
	}
	w := newScript("n1", 1)
	run := []events.Event{w.opened()}
	for _, user := range hostile {
		run = append(run, w.connected(user))
	}
	mustRecord(t, s.Recorder, run)
	mustHoldAndShow(t, s, run)

	var want []presence.User
	for _, e := range run[1:] {
		want = append(want, presence.User{User: e.User, Since: e.At, Connections: 1, Nodes: []string{"n1"}})
	}
	slices.SortFunc(want, func(a, b presence.User) int { return strings.Compare(a.User, b.User) })
	mustFind(t, s.Online, presence.UserQuery{Limit: presence.MaxUserPage}, want)
	mustFind(t, s.Online, presence.UserQuery{Users: hostile, Limit: presence.MaxUserPage}, want)
	for i := range want {
		mustFind(t, s.Online, presence.UserQuery{Users: []string{want[i].User}, Limit: 1}, want[i:i+1])
		mustFind(t, s.Online, presence.UserQuery{After: want[i].User, Limit: 1}, want[i+1:min(i+2, len(want))])
	}

	for _, c := range run[1:] {
		run = append(run, w.disconnected(c, events.Client))
	}
	mustRecord(t, s.Recorder, run[len(hostile)+1:])
	mustHoldAndShow(t, s, run)
	mustFind(t, s.Online, presence.UserQuery{Limit: presence.MaxUserPage}, nil)
}

func usersTotal(t *testing.T, s presence.Store) {
	mustTotal(t, s.Online, 0)
	n1, n2 := events.Stream{Node: "n1", Epoch: 1}, events.Stream{Node: "n2", Epoch: 1}
	mustApply(t, s.Online, []presence.Connection{at(n1, 1, "a", 1), at(n1, 2, "a", 2), at(n1, 3, "b", 3)})
	mustApply(t, s.Online, []presence.Connection{at(n2, 1, "a", 1)})
	mustTotal(t, s.Online, 4)
	for _, q := range []presence.UserQuery{
		{Limit: 1}, {Limit: 10}, {Limit: 10, After: "a"}, {Limit: 10, After: "z"},
		{Limit: 10, Users: []string{"b"}}, {Limit: 10, Users: []string{"nobody"}}, {Limit: 10, Users: []string{}},
	} {
		page, err := s.Online.Users(t.Context(), q)
		must(t, err)
		if page.Total != 4 {
			t.Fatalf("%+v: total is %d, want 4", q, page.Total)
		}
	}
	mustApply(t, s.Online, nil, n1.At(1))
	mustTotal(t, s.Online, 3)
	must(t, s.Online.DropStream(t.Context(), n1))
	mustTotal(t, s.Online, 1)
}

func usersNone(t *testing.T, s presence.Store) {
	page := mustFind(t, s.Online, presence.UserQuery{Limit: 10}, nil)
	if page.Next != "" || page.Total != 0 {
		t.Fatalf("next %q and total %d of nothing", page.Next, page.Total)
	}
}

// mustList fails unless these are the connections of a user, read a few at a time.
func mustList(t tester, o presence.Online, user string, size int, want ...presence.Connection) {
	t.Helper()
	var got []presence.Connection
	for after := (events.Position{}); ; after = got[len(got)-1].ID {
		page, err := o.OfUser(t.Context(), user, after, size)
		must(t, err)
		if got = append(got, page...); len(page) < size {
			break
		}
	}
	mustEqual(t, got, want)
}

func connectionsOfUser(t *testing.T, s presence.Store) {
	n1, n1b, n10 := events.Stream{Node: "n1", Epoch: 1}, events.Stream{Node: "n1", Epoch: 2}, events.Stream{Node: "n10", Epoch: 1}
	mustApply(t, s.Online, []presence.Connection{at(n1, 1, "b", 9), at(n1, 2, "a", 5), at(n1, 3, "b", 8)})
	full := at(n1b, 1, "b", 3)
	full.Remote, full.Agent = "203.0.113.0", "storetest/1 (größer)"
	mustApply(t, s.Online, []presence.Connection{full})
	mustApply(t, s.Online, []presence.Connection{at(n10, 7, "b", 2), at(n10, 9, "bb", 7)})
	for size := 1; size < 7; size++ {
		mustList(t, s.Online, "b", size, at(n1, 1, "b", 9), at(n1, 3, "b", 8), full, at(n10, 7, "b", 2))
		mustList(t, s.Online, "bb", size, at(n10, 9, "bb", 7))
	}
	for _, nobody := range []string{"", "c", "b\x00", "a\x00n1"} {
		mustList(t, s.Online, nobody, 5)
	}
	page, err := s.Online.OfUser(t.Context(), "b", events.Position{}, 0)
	must(t, err)
	mustEqual(t, page, nil)
	_, err = s.Online.OfUser(ended(t), "b", events.Position{}, 5)
	mustBe(t, err, events.ErrUnavailable)
	must(t, s.Online.Apply(t.Context(), nil, []events.Position{n1.At(3)}))
	mustList(t, s.Online, "b", 2, at(n1, 1, "b", 9), full, at(n10, 7, "b", 2))
}

func connectionsOfHostile(t *testing.T, s presence.Store) {
	n1 := events.Stream{Node: "n1", Epoch: 1}
	var all []presence.Connection
	for i, user := range hostile {
		all = append(all, at(n1, uint64(i)+1, user, i))
	}
	mustApply(t, s.Online, all)
	for i, user := range hostile {
		mustList(t, s.Online, user, 2, all[i])
	}
}
