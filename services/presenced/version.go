package main

import "runtime/debug"

// release is set by the linker where there is no version control to ask, as in the
// container image: -ldflags "-X main.release=v1.2.3".
var release string

// version is the version of the program: its release, else what the Go tool built into
// it, the module's version or the commit it was built from, else "devel".
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}
