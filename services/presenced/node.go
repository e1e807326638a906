package main

import (
	"strconv"
	"strings"
)

// maxHostSlug leaves room in a node id for "-" and the longest port.
const maxHostSlug = 18

// nodeID makes a node id of a host's name and a port: two processes on one host have
// two ids, and one that is started again has the id it had.
func nodeID(host string, port uint16) string {
	slug := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, host)
	slug = strings.Trim(slug, "-")
	slug = strings.TrimRight(slug[:min(len(slug), maxHostSlug)], "-")
	if slug == "" {
		slug = "node"
	}
	return slug + "-" + strconv.Itoa(int(port))
}
