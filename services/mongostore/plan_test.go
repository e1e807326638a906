package mongostore

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.uber.org/zap"

	"github.com/presenced/presence/events"
	"github.com/presenced/presence/services/mongostore/mongotest"
	"github.com/presenced/presence/services/presence"
)

// MongoDB answers a page and a list of users from the index {user, _id}: it scans no
// collection, sorts nothing, and of a list looks at the connections that it returns.
func TestOnline_Users_plan(t *testing.T) {
	uri, database := mongotest.URI(t), mongotest.Database(t)
	db, err := OpenPatiently(t.Context(), Config{URI: uri, Database: database}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(t.Context()) })
	d := mongotest.Client(t, uri).Database(database)
	var info struct {
		FerretDB string `bson:"ferretdbVersion"`
	}
	if err := d.RunCommand(t.Context(), bson.D{{Key: "buildInfo", Value: 1}}).Decode(&info); err != nil {
		t.Fatal(err)
	}
	if info.FerretDB != "" {
		t.Skip("FerretDB has no plans to show: set MONGODB_URI to that of a MongoDB")
	}
	const connections = 2000
	s := events.Stream{Node: "n1", Epoch: 1}
	var add []presence.Connection
	for i := range connections {
		add = append(add, presence.Connection{ID: s.At(uint64(i + 1)), User: fmt.Sprint("user-", i), Since: time.UnixMilli(1_800_000_000_000).UTC()})
	}
	if err := db.Store().Online.Apply(t.Context(), add, nil); err != nil {
		t.Fatal(err)
	}
	var friends []string
	for i := range 1000 {
		friends = append(friends, fmt.Sprint("user-", 2*i))
	}
	for name, tt := range map[string]struct {
		q    presence.UserQuery
		most int // documents to look at; 0: any number, since the cursor is left early
	}{
		"everyone":    {presence.UserQuery{Limit: 100}, 0},
		"after":       {presence.UserQuery{Limit: 100, After: "user-5"}, 0},
		"one":         {presence.UserQuery{Limit: 1000, Users: friends[:1]}, 1},
		"200 by name": {presence.UserQuery{Limit: 1000, Users: friends[:200]}, 200},
		"1000":        {presence.UserQuery{Limit: 1000, Users: friends}, 1000},
		"names after": {presence.UserQuery{Limit: 1000, Users: friends, After: "user-5"}, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			var plan struct {
				Planner   bson.M `bson:"queryPlanner"`
				Execution struct {
					Docs int `bson:"totalDocsExamined"`
				} `bson:"executionStats"`
			}
			err := d.RunCommand(t.Context(), bson.D{
				{Key: "explain", Value: bson.D{
					{Key: "find", Value: collOnline}, {Key: "filter", Value: usersFilter(tt.q)}, {Key: "sort", Value: usersOrder()},
				}},
				{Key: "verbosity", Value: "executionStats"},
			}).Decode(&plan)
			if err != nil {
				t.Fatal(err)
			}
			winning := fmt.Sprint(plan.Planner["winningPlan"])
			if !strings.Contains(winning, "IXSCAN") || !strings.Contains(winning, "user_1__id_1") ||
				strings.Contains(winning, "COLLSCAN") || strings.Contains(winning, "SORT") {
				t.Errorf("the plan is %s", winning)
			}
			if tt.most > 0 && plan.Execution.Docs > tt.most {
				t.Errorf("%d documents are looked at, want at most %d", plan.Execution.Docs, tt.most)
			}
		})
	}
}

// While one counts the connections, the others have what was counted before; a count that
// failed leaves that as it is.
func TestTotal(t *testing.T) {
	began := time.Now()
	after := began.Add
	var n total
	know := func(d, age time.Duration, want int, ok bool) {
		t.Helper()
		if got, known := n.known(after(d), age); got != want || known != ok {
			t.Errorf("after %s: %d, %v, want %d, %v", d, got, known, want, ok)
		}
	}
	know(0, totalAge, 0, false)
	n.keep(7, began, nil)
	know(totalAge/2, totalAge, 7, true)
	know(totalAge, listedAge, 7, true)
	know(totalAge, totalAge, 0, false) // and so it is being counted
	know(totalAge, totalAge, 7, true)
	know(listedAge, totalAge, 0, false)
	n.keep(0, after(totalAge), fmt.Errorf("away"))
	know(totalAge, listedAge, 7, true)
	n.keep(9, after(listedAge), nil)
	n.keep(8, after(totalAge), nil) // a slow one that began before
	know(listedAge, totalAge, 9, true)
}
