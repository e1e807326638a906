package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files")

// The reports of several processes add up to that of one which had seen all, also when
// they have been files in between.
func TestReport_Add_is_exact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole, sum := New(), New()
		whole.Runs = []string{"0", "1", "2"}
		for i := range 3 {
			part := New()
			part.Runs = []string{string(rune('0' + i))}
			for _, micros := range rapid.SliceOfN(rapid.Int64Range(0, 5e9), 0, 50).Draw(t, "latencies") {
				d := time.Duration(micros) * time.Microsecond
				kind := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "kind")
				for _, r := range []*Report{whole, part} {
					r.Commands.Answered++
					r.Commands.Latency.Add(d)
					r.Ticks.Lateness.Add(d / 2)
					r.Errors.Lost.Add(kind, "")
				}
			}
			if rapid.Bool().Draw(t, "by a file") {
				part = reread(t, part)
			}
			if err := sum.Add(part); err != nil {
				t.Fatal(err)
			}
		}
		if !sum.Commands.Latency.counts.Equals(whole.Commands.Latency.counts) || !sum.Ticks.Lateness.counts.Equals(whole.Ticks.Lateness.counts) {
			t.Fatal("the histograms of the sum are not those of the whole")
		}
		if sum.Commands.Answered != whole.Commands.Answered || !maps.Equal(sum.Errors.Lost, whole.Errors.Lost) || !slices.Equal(sum.Runs, whole.Runs) {
			t.Fatalf("the sum is %+v, the whole %+v", sum, whole)
		}
	})
}

type fataler interface{ Fatal(args ...any) }

func text(t fataler, r *Report) string {
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func reread(t fataler, r *Report) *Report {
	again, err := Read(strings.NewReader(text(t, r)))
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// A quantile is within a thousandth of that of the sorted times.
func TestHistogram_Quantile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Int64Range(1, 3600e6), 1, 200).Draw(t, "micros")
		endless := rapid.Int64Range(0, 20).Draw(t, "endless")
		q := rapid.SampledFrom([]float64{0.5, 0.9, 0.99, 1}).Draw(t, "q")
		h := NewHistogram()
		for _, micros := range all {
			h.Add(time.Duration(micros) * time.Microsecond)
		}
		slices.Sort(all)
		n := int64(len(all))
		rank := int64(q*float64(n+endless) + 0.999999)
		got, ok := h.QuantileWith(q, endless)
		if ok != (rank <= n) {
			t.Fatalf("rank %d of %d: %t", rank, n, ok)
		}
		if ok {
			want := time.Duration(all[max(rank, 1)-1]) * time.Microsecond
			if got < want || got > want+want/1000+time.Microsecond {
				t.Fatalf("%s, want %s", got, want)
			}
		}
	})
}

func TestHistogram_Add_what_is_out_of_range(t *testing.T) {
	h := NewHistogram()
	h.Add(-time.Second)
	h.Add(100 * time.Hour)
	if h.Count() != 2 || h.Quantile(0.5) != 0 || h.Max() < time.Hour || h.Max() > time.Hour+time.Minute {
		t.Errorf("%d, %s to %s", h.Count(), h.Quantile(0.5), h.Max())
	}
	if d, ok := NewHistogram().QuantileWith(0.99, 0); ok {
		t.Errorf("of nothing it is %s", d)
	}
}

func TestReport_Add_the_same_run_twice(t *testing.T) {
	a, b := New(), New()
	a.Runs, b.Runs = []string{"x", "y"}, []string{"y"}
	b.Connections.Asked = 5
	if err := a.Add(b); err == nil || !strings.Contains(err.Error(), "the run y") || a.Connections.Asked != 0 {
		t.Errorf("%v, %+v", err, a.Connections)
	}
}

func TestRead_refuses_what_is_no_report(t *testing.T) {
	good := New()
	good.Runs = []string{"x"}
	written := text(t, good)
	other, err := hdr.New(1, 1000, 2).EncodeV2()
	if err != nil {
		t.Fatal(err)
	}
	histogram := regexp.MustCompile(`"histogram": "[^"]*"`)
	for name, tt := range map[string]struct{ text, says string }{
		"nothing":                      {"", "no report"},
		"no JSON":                      {"opening 1s", "no report"},
		"other JSON":                   {`{"users":[]}`, "version 0"},
		"a list":                       {`[]`, "no report"},
		"a later version":              {strings.Replace(written, `"version": 1`, `"version": 2`, 1), "version 2"},
		"no runs":                      {strings.Replace(written, `"x"`, ``, 1), "no runs"},
		"no histogram":                 {`{"version":1,"runs":["x"]}`, "lacks a histogram"},
		"a broken histogram":           {histogram.ReplaceAllString(written, `"histogram": "HISTxx"`), "cannot be read"},
		"a histogram of another range": {histogram.ReplaceAllString(written, `"histogram": "`+string(other)+`"`), "another range"},
		"a histogram of another count": {strings.Replace(written, `"count": 0`, `"count": 7`, 1), "said to be of 7"},
		"something after it":           {written + "x", "no report"},
		"too much":                     {strings.Repeat(" ", MaxSize+1), "more than 16 MiB"},
	} {
		if _, err := Read(strings.NewReader(tt.text)); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", name, err, tt.says)
		}
	}
	if _, err := Read(strings.NewReader(written)); err != nil {
		t.Error(err)
	}
}

// sample is a report in which everything is.
func sample() *Report {
	r := New()
	r.Runs, r.Servers = []string{"4f2a9c01"}, []string{"ws://localhost:8080"}
	r.From = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	r.Until = r.From.Add(70 * time.Second)
	r.Connections = Connections{Asked: 1000, Upgraded: 997, Welcomed: 995, Failed: 5, Lost: 1}
	r.Ticks.Received, r.Ticks.Missed, r.Ticks.Early = 59_700, 3, 2
	r.Commands.Sent, r.Commands.Answered, r.Commands.Failed = 600, 598, 2
	for i := range 100 {
		ms := time.Duration(i) * time.Millisecond
		r.Connect.Add(ms / 10)
		r.Welcome.Add(ms / 5)
		r.Ticks.Lateness.Add(ms / 20)
		r.Commands.Latency.Add(ms / 8)
		r.Delay.Add(ms / 2)
	}
	r.Errors.Connect.Add("http_503", "no room\x1b[31m")
	r.Errors.Connect.Add("closed_4504", "too many connections")
	r.Errors.Connect.Add("closed_4504", "")
	r.Errors.Lost.Add("hung_up", "")
	r.Errors.Command.Add("rate_limited", "")
	return r
}

// What programs read is a promise: a field that is renamed, left out or new in the JSON
// is seen here. The encoded histograms are left out, since compression may change.
func TestReport_Write_golden(t *testing.T) {
	written := regexp.MustCompile(`HIST[^"]*`).ReplaceAllString(text(t, sample()), "HIST")
	golden(t, "report.json", written)
	if !json.Valid([]byte(written)) {
		t.Error("no JSON")
	}
}

func TestReport_Print_golden(t *testing.T) {
	var b bytes.Buffer
	if err := sample().Print(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.txt", b.String())
	b.Reset()
	quiet := New()
	quiet.Runs, quiet.Servers, quiet.Interrupted = []string{"a", "b"}, []string{"ws://a", "ws://b"}, true
	if err := quiet.Print(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "nothing.txt", b.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it anew):\n%s", file, got)
	}
}

func TestLimits_Judge(t *testing.T) {
	share := func(text string) (s Share) {
		if err := s.Set(text); err != nil {
			t.Fatal(err)
		}
		return s
	}
	none := New()
	answered, failing := sample(), sample()
	answered.Commands.Failed = 0
	failing.Commands.Failed = 60
	for name, tt := range map[string]struct {
		limits Limits
		r      *Report
		says   string // "": all held
	}{
		"no limit":                      {Limits{}, sample(), ""},
		"no limit, and nothing":         {Limits{}, none, ""},
		"the p99 of commands":           {Limits{CommandP99: 13 * time.Millisecond}, answered, ""},
		"too long a p99 of commands":    {Limits{CommandP99: 12 * time.Millisecond}, answered, "the p99 of commands is 12.2"},
		"commands that failed are slow": {Limits{CommandP99: time.Hour}, failing, "60 of 600 failed"},
		"no commands":                   {Limits{CommandP99: time.Hour}, none, "has no end"},
		"the lateness":                  {Limits{LatenessP99: 5 * time.Millisecond}, sample(), ""},
		"too late":                      {Limits{LatenessP99: 4 * time.Millisecond}, sample(), "lateness is 4.9"},
		"no ticks are late":             {Limits{LatenessP99: time.Hour}, none, "no tick came"},
		"few missed":                    {Limits{Missed: share("3")}, sample(), ""},
		"more missed":                   {Limits{Missed: share("2")}, sample(), "3 of 59703 ticks were missed: more than 2"},
		"a small share is missed":       {Limits{Missed: share("0.1%")}, sample(), ""},
		"more than a share is missed":   {Limits{Missed: share("0.001%")}, sample(), "more than 0.001%"},
		"no ticks are missed ticks":     {Limits{Missed: share("10%")}, none, "0 of 0 ticks"},
		"errors":                        {Limits{Errors: share("1%")}, sample(), ""},
		"more errors":                   {Limits{Errors: share("0")}, sample(), "8 of 1600 connections and commands failed: more than 0"},
	} {
		got := strings.Join(tt.limits.Judge(tt.r), "; ")
		if (tt.says == "") != (got == "") || !strings.Contains(got, tt.says) {
			t.Errorf("%s: %q, want %q", name, got, tt.says)
		}
	}
}

func TestLimits_JudgeMost(t *testing.T) {
	var all Limits
	if err := all.Errors.Set("100%"); err != nil {
		t.Fatal(err)
	}
	report := func(c Connections, m Commands) *Report {
		r := New()
		r.Connections, r.Commands.Sent, r.Commands.Failed = c, m.Sent, m.Failed
		return r
	}
	for name, tt := range map[string]struct {
		limits Limits
		r      *Report
		says   string // "": it will do
	}{
		"all is well":               {Limits{}, sample(), ""},
		"nothing was asked for":     {Limits{}, New(), ""},
		"half failed":               {Limits{}, report(Connections{Asked: 4, Welcomed: 2, Failed: 2}, Commands{Sent: 2, Failed: 1}), ""},
		"most failed":               {Limits{}, report(Connections{Asked: 4, Welcomed: 1, Failed: 3}, Commands{}), "3 of 4 connections failed or were lost"},
		"most failed or were lost":  {Limits{}, report(Connections{Asked: 4, Welcomed: 2, Failed: 2, Lost: 1}, Commands{}), "3 of 4 connections failed or were lost"},
		"most of the commands":      {Limits{}, report(Connections{Asked: 4, Welcomed: 4}, Commands{Sent: 3, Failed: 2}), "2 of 3 commands failed"},
		"most of both":              {Limits{}, report(Connections{Asked: 1, Welcomed: 1, Lost: 1}, Commands{Sent: 1, Failed: 1}), "1 of 1 connections failed or were lost; 1 of 1 commands failed"},
		"most failed, as they may":  {all, report(Connections{Asked: 4, Failed: 4}, Commands{Sent: 3, Failed: 3}), ""},
		"a limit on something else": {Limits{CommandP99: time.Hour}, report(Connections{Asked: 1, Failed: 1}, Commands{}), "1 of 1 connections"},
	} {
		if got := strings.Join(tt.limits.JudgeMost(tt.r), "; "); (tt.says == "") != (got == "") || !strings.HasPrefix(got, tt.says) {
			t.Errorf("%s: %q, want %q", name, got, tt.says)
		}
	}
}

func TestShare_Set(t *testing.T) {
	for text, want := range map[string]string{"0": "0", "10": "10", "0.1%": "0.1%", "100%": "100%", "00.50%": "0.5%"} {
		var s Share
		if err := s.Set(text); err != nil || s.String() != want {
			t.Errorf("%q: %q, %v", text, s.String(), err)
		}
	}
	for _, text := range []string{"", "x", "%", "-1", "1.5", "101%", "-1%", "NaN", "Inf", "NaN%", "1 %"} {
		if s := (Share{}); s.Set(text) == nil || s.set {
			t.Errorf("%q is taken as %q", text, s)
		}
	}
}
