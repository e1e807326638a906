package main

import "github.com/presenced/presence/services/buildinfo"

// release is set by the linker where there is no version control to ask, as in the
// container image: -ldflags "-X main.release=v1.2.3".
var release string

// version is the version of the program: its release, else what the Go tool built into
// it, the module's version or the commit it was built from, else "devel".
func version() string { return buildinfo.Read(release).Version }

// build is what `presenced version` says: the version, the Go that built it, and for what.
func build() string { return buildinfo.Read(release).Line("presenced") }
