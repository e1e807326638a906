package gateway

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestInstant_since_across_the_wrap(t *testing.T) {
	before := instant(1<<32 - 500)
	if got := (before + 1500).since(before); got != 1500*time.Millisecond {
		t.Errorf("1500 ms across the wrap are %v", got)
	}
}

func TestPatience_judge(t *testing.T) {
	p := patience{pingAfter: 20 * time.Second, pingTimeout: 10 * time.Second, closeTimeout: 5 * time.Second}
	const now = instant(100_000)
	ago := func(d time.Duration) instant { return now - instant(d.Milliseconds()) }
	for _, c := range []struct {
		name        string
		state       state
		heard, mark instant
		spread      uint32
		want        verdict
	}{
		{"open and talking", open, ago(14 * time.Second), 0, 63, leaveAlone},
		{"silent, asked up to a quarter early", open, ago(16 * time.Second), 0, 63, sendPing},
		{"silent, asked on time", open, ago(19 * time.Second), 0, 0, leaveAlone},
		{"silent for the whole time", open, ago(20 * time.Second), 0, 0, sendPing},
		{"asked, may still answer", asked, ago(30 * time.Second), ago(9 * time.Second), 0, leaveAlone},
		{"asked, no answer", asked, ago(30 * time.Second), ago(10 * time.Second), 0, giveUp},
		{"closing, may still answer", closing, ago(time.Hour), ago(4 * time.Second), 0, leaveAlone},
		{"closing, no answer", closing, now, ago(5 * time.Second), 0, cutOff},
		{"lingering, no end", lingering, now, ago(5 * time.Second), 0, cutOff},
		{"handshakes have their own list", handshaking, ago(time.Hour), ago(time.Hour), 0, leaveAlone},
		{"gone", gone, ago(time.Hour), ago(time.Hour), 0, leaveAlone},
	} {
		if got := p.judge(c.state, c.heard, c.mark, now, c.spread); got != c.want {
			t.Errorf("%s: verdict %d, want %d", c.name, got, c.want)
		}
	}
}

// With the defaults a client that falls silent at any moment is given up within 32 s of
// its last byte, so that it is offline within 35 s.
func TestPatience_default_notices_within_32_s(t *testing.T) {
	cfg, err := Config{Handler: refuseAll{}}.complete(1024)
	if err != nil {
		t.Fatal(err)
	}
	p := cfg.patience()
	look := roundsPerLook * instant((p.round(cfg.HandshakeTimeout) + time.Millisecond).Milliseconds())
	worst := instant(0)
	for first := range look {
		for spread := range uint32(64) {
			state, mark := open, instant(0)
			for now := first; ; now += look {
				verdict := p.judge(state, 0, mark, now, spread)
				if verdict == sendPing {
					state, mark = asked, now
				}
				if verdict == giveUp {
					worst = max(worst, now)
					break
				}
			}
		}
	}
	if got := worst.since(0); got > 32*time.Second || got < 30*time.Second {
		t.Errorf("the worst case is %v", got)
	}
}

func TestPatience_round(t *testing.T) {
	usual := patience{20 * time.Second, 10 * time.Second, 5 * time.Second}
	if got := usual.round(5 * time.Second); got < 50*time.Millisecond || got > maxRound {
		t.Errorf("by default a round takes %v", got)
	}
	small := patience{50 * time.Millisecond, time.Minute, time.Minute}
	if got := small.round(time.Minute); got != minRound {
		t.Errorf("with a patience of 50 ms a round takes %v", got)
	}
}

func TestDrained_tells_all_in_time_and_never_fewer_than_before(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.IntRange(0, 1_000_000).Draw(t, "total")
		left := time.Duration(rapid.Int64Range(-int64(time.Second), int64(time.Hour)).Draw(t, "left"))
		over := drainTime(total, left)
		if over < 0 || over > max(0, left/2) {
			t.Fatalf("%d clients are told over %v of %v", total, over, left)
		}
		told := 0
		for i := range 11 {
			n := drained(total, over*time.Duration(i)/10, over)
			if n < told {
				t.Fatalf("told %d, and then %d", told, n)
			}
			told = n
		}
		if told != total {
			t.Fatalf("%d of %d were told", told, total)
		}
	})
}

func TestDrainTime(t *testing.T) {
	for _, c := range []struct {
		total      int
		left, want time.Duration
	}{
		{0, time.Hour, 0},
		{1000, time.Hour, 0},
		{10_000, time.Hour, 2 * time.Second},
		{10_000, 2 * time.Second, time.Second},
		{10_000, 0, 0},
	} {
		if got := drainTime(c.total, c.left); got != c.want {
			t.Errorf("%d clients with %v left: %v, want %v", c.total, c.left, got, c.want)
		}
	}
}

func TestConfig_complete(t *testing.T) {
	if _, err := (Config{}).complete(1024); !errors.Is(err, ErrNoHandler) {
		t.Errorf("no handler: %v", err)
	}
	c, err := Config{Handler: refuseAll{}}.complete(20_000)
	if err != nil || c.MaxConns != 20_000-256 || c.MaxMessage != 64<<10 || c.HTTP == nil || c.Log == nil || c.PingAfter != 20*time.Second {
		t.Errorf("defaults %+v, %v", c, err)
	}
	if c, _ := (Config{Handler: refuseAll{}}).complete(300); c.MaxConns != 150 {
		t.Errorf("of 300 files %d are for connections", c.MaxConns)
	}
	if c, _ := (Config{Handler: refuseAll{}}).complete(1<<64 - 1); c.MaxConns <= 0 {
		t.Errorf("without a limit of files %d connections", c.MaxConns)
	}
	_, err = Config{Handler: refuseAll{}, MaxMessage: -1, PingAfter: -1}.complete(1024)
	if err == nil {
		t.Error("negative values are accepted")
	}
}

type refuseAll struct{}

func (refuseAll) Upgrade(*Request) (Session, *Refusal) { return nil, &Refusal{Status: 403} }
