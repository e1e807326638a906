package buildinfo

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestOf(t *testing.T) {
	checkout := &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.time", Value: "2026-11-23T10:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	platform := " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
	for _, tt := range []struct {
		name, release string
		recorded      *debug.BuildInfo
		want          string
	}{
		{"nothing is known", "", nil, "p devel" + platform},
		{"go run", "", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "p devel" + platform},
		{"go install", "", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "p v1.2.3" + platform},
		{"a checkout", "", checkout, "p devel-0123456789ab" + platform + " (revision 0123456789ab, 2026-11-23T10:00:00Z, modified)"},
		{"a release", "v2", nil, "p v2" + platform},
		{"a release of a checkout", "v2", checkout, "p v2" + platform + " (revision 0123456789ab, 2026-11-23T10:00:00Z, modified)"},
	} {
		if got := of(tt.release, tt.recorded).Line("p"); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	if got := Read("v3"); got.Version != "v3" || got.Go == "" {
		t.Errorf("of this program: %+v", got)
	}
}
