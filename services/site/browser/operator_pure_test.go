package browser

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// What modules of the operators' page say that only compute.
func TestOperator_Pure(t *testing.T) {
	p := startOperators(t).look(t)
	for expression, want := range map[string]string{
		`nodes.lease(4999).words`:                                        "Beats, 4 s ago",
		`nodes.lease(5000).tone`:                                         "warn",
		`nodes.lease(9999).words`:                                        "Late, 9 s ago",
		`nodes.lease(10000).tone`:                                        "bad",
		`nodes.lease(75000).words`:                                       "Silent for 1 min 15 s: to be declared lost",
		`scale.countTicks(0).join()`:                                     "0,1",
		`scale.countTicks(1).join()`:                                     "0,1",
		`scale.countTicks(3).join()`:                                     "0,1,2,3",
		`scale.countTicks(8).join()`:                                     "0,2,4,6,8",
		`scale.countTicks(41).join()`:                                    "0,20,40,60",
		`scale.countTicks(1000000).join()`:                               "0,500000,1000000",
		`scale.linear(0, 10, 100, 200)(5)`:                               "150",
		`scale.linear(0, 10, 100, 200)(99)`:                              "200",
		`scale.linear(5, 5, 100, 200)(5)`:                                "100", // no span is no division by zero
		`scale.timeTicks(0, 60000, 5).all.join()`:                        "0,15000,30000,45000,60000",
		`scale.timeTicks(1, 59999, 5).all.join()`:                        "15000,30000,45000",
		`scale.pointAt([{at: 1}, {at: 3}, {at: 5}], 4).at`:               "3",
		`scale.pointAt([{at: 1}, {at: 3}, {at: 5}], 5).at`:               "5",
		`scale.pointAt([{at: 1}, {at: 3}, {at: 5}], 0).at`:               "1",
		`[0, 1, 2, 3, 4].map(scale.stepsOf(1500, 4200, 1000).at).join()`: "1500,2000,3000,4000,4200",
		`scale.stepsOf(1500, 4200, 1000).last`:                           "4",
		`[1500, 1999, 2000, 2999, 3000, 4000, 4199, 4200].map(scale.stepsOf(1500, 4200, 1000).of).join()`: "0,0,1,1,2,3,3,4",
		`scale.stepsOf(1500, 1600, 1000).last`:                                              "1",
		`[0, 1].map(scale.stepsOf(1500, 1600, 1000).at).join()`:                             "1500,1600",
		`scale.pointAt([], 0)`:                                                              "undefined",
		`when.moment(new Date(2020, 0, 2, 3, 4, 5), new Date(2021, 0, 2)).includes("2020")`: "true",
		`when.moment(new Date(2020, 0, 2, 3, 4, 5), new Date(2020, 5, 2)).includes("2020")`: "false",
		`api.leftOut({users: []})`:                                                          "",
		`api.leftOut({broken: ["n1/00000001"]})`:                                            "; but without n1/00000001, whose log is broken: see Verify",
	} {
		got := value[string](p, `Promise.all(["nodes", "scale", "when", "api"].map((name) => import("/operator/" + name + ".js"))).then(([nodes, scale, when, api]) => String(`+expression+`))`)
		if got != want {
			t.Errorf("%s: %s, want %s", expression, got, want)
		}
	}
}

// However many there are, the numbers beside the chart are within it.
func TestOperator_PureManyUsers(t *testing.T) {
	p := startOperators(t).look(t)
	for _, most := range []int{9_000, 15_000, 1_000_000, 40_000_000} {
		cut := value[[]string](p, `import("/operator/chart.js").then(({ draw }) => {
			const n = `+fmt.Sprint(most)+`, users = { online: n, unknown: 0, least: n, most: n };
			const { svg } = draw(document.querySelector("#chart"), { from: 0, to: 900_000, points: [{ at: 0, users }], marks: [] }, "users");
			return [...svg.querySelectorAll("text")].filter((e) => e.getBBox().x < 0 || e.getBBox().x + e.getBBox().width > svg.viewBox.baseVal.width).map((e) => e.textContent);
		})`)
		if len(cut) > 0 {
			t.Errorf("with %d users the chart cuts off %q", most, cut)
		}
	}
}

// Where clocks are put back or forward, days still begin at midnight.
func TestOperator_PureSummerTime(t *testing.T) {
	p := startOperators(t).look(t)
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"} {
		p.call(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone})
			return err
		})
		for month := range 12 {
			wrong := value[[]string](p, fmt.Sprintf(`import("/operator/scale.js").then(({ timeTicks }) => [7, 14, 21, 28].flatMap((day) => {
				const from = Date.UTC(2026, %d, day, 5, 17), { step, all } = timeTicks(from, from + 7 * 86_400_000, 8);
				if (step !== 86_400_000 || all.length !== 7) return [all.length + " ticks in a week from " + new Date(from)];
				return all.map((t) => new Date(t)).filter((t) => t.getHours() + t.getMinutes() > 0).map(String);
			}))`, month))
			if len(wrong) > 0 {
				t.Errorf("%s: %q", zone, wrong)
			}
		}
	}
}
