module github.com/presenced/presence/bench

go 1.26.0

replace github.com/presenced/presence => ../

require golang.org/x/sys v0.49.0
