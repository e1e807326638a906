// Package buildinfo says what a program was built from: its release if it has one, else what
// the Go command has recorded in it. Both programs say it in the same words.
//
// It is pure, apart from looking at the program that it is in.
package buildinfo

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Info is what a program was built from.
type Info struct {
	Version  string `json:"version"`            // such as v1.2.3, or devel
	Revision string `json:"revision,omitempty"` // of the sources
	Time     string `json:"time,omitempty"`     // of the revision, RFC 3339
	Modified bool   `json:"modified,omitempty"` // the sources were changed after it
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

// Read returns what this program was built from. A release, which the linker sets where
// there is no version control to ask, says more than what Go recorded.
func Read(release string) Info {
	recorded, _ := debug.ReadBuildInfo()
	return of(release, recorded)
}

// of is Read of what was recorded; nil: nothing.
func of(release string, recorded *debug.BuildInfo) Info {
	i := Info{Version: release, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if recorded == nil {
		recorded = new(debug.BuildInfo)
	}
	for _, s := range recorded.Settings {
		switch s.Key {
		case "vcs.revision":
			i.Revision = s.Value
		case "vcs.time":
			i.Time = s.Value
		case "vcs.modified":
			i.Modified = s.Value == "true"
		}
	}
	if i.Version == "" {
		i.Version = unreleased(recorded.Main.Version, i.Revision)
	}
	return i
}

// revisionShown is how much of a revision tells it from all others.
const revisionShown = 12

// unreleased is the version of what is no release: the module's, else the revision.
func unreleased(module, revision string) string {
	switch {
	case module != "" && module != "(devel)":
		return module
	case revision != "":
		return "devel-" + revision[:min(revisionShown, len(revision))]
	}
	return "devel"
}

// Line is the info in a line for people, of a program.
func (i Info) Line(program string) string {
	var from []string
	if i.Revision != "" {
		from = append(from, "revision "+i.Revision[:min(revisionShown, len(i.Revision))])
	}
	if i.Time != "" {
		from = append(from, i.Time)
	}
	if i.Modified {
		from = append(from, "modified")
	}
	line := fmt.Sprintf("%s %s %s %s/%s", program, i.Version, i.Go, i.OS, i.Arch)
	if len(from) > 0 {
		line += " (" + strings.Join(from, ", ") + ")"
	}
	return line
}
