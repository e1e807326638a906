package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/presenced/presence/services/presence"
)

// verdict is what verify has to say.
type verdict struct {
	store    string
	repaired []presence.Problem
	presence.Report
}

// reportWriter is the way to write a verdict in a format.
func reportWriter(format string) (func(io.Writer, verdict) error, error) {
	switch format {
	case "text":
		return writeText, nil
	case "json":
		return writeJSON, nil
	}
	return nil, fmt.Errorf("--output is %q: want text or json", format)
}

// writeText writes a line for each problem, aligned, and one that sums up.
func writeText(w io.Writer, v verdict) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) // errors come with Flush
	for _, p := range v.repaired {
		fmt.Fprintf(t, "repaired\t%s\t%s\t%s\n", p.Kind, place(p), p.Detail)
	}
	for _, p := range v.Problems {
		fmt.Fprintf(t, "problem\t%s\t%s\t%s\n", p.Kind, place(p), p.Detail)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	sum := "all holds"
	if !v.Holds() {
		sum = count(len(v.Problems), "problem")
	}
	if len(v.repaired) > 0 {
		sum = fmt.Sprintf("%d repaired, %s", len(v.repaired), sum)
	}
	_, err := fmt.Fprintf(w, "%s: %s, %s, %s: %s\n", v.store,
		count(v.Streams, "stream"), count(v.Events, "event"), count(v.Open, "open connection"), sum)
	return err
}

// count is a number of things, in words.
func count[N int | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// place is the connection that a problem is about, or the stream.
func place(p presence.Problem) string {
	if p.ID.IsZero() {
		return p.Stream.String()
	}
	return p.ID.String()
}

// writeJSON writes one object.
func writeJSON(w io.Writer, v verdict) error {
	return json.NewEncoder(w).Encode(struct {
		Store    string        `json:"store"`
		Holds    bool          `json:"holds"`
		Streams  int           `json:"streams"`
		Events   uint64        `json:"events"`
		Open     int           `json:"open"` // connections
		Problems []problemJSON `json:"problems"`
		Repaired []problemJSON `json:"repaired"`
	}{v.store, v.Holds(), v.Streams, v.Events, v.Open, problemsJSON(v.Problems), problemsJSON(v.repaired)})
}

type problemJSON struct {
	Kind   presence.ProblemKind `json:"kind"`
	Stream string               `json:"stream"`
	ID     string               `json:"id,omitempty"` // of the connection, if it is about one
	Detail string               `json:"detail"`
}

func problemsJSON(problems []presence.Problem) []problemJSON {
	all := make([]problemJSON, 0, len(problems)) // not null
	for _, p := range problems {
		j := problemJSON{Kind: p.Kind, Stream: p.Stream.String(), Detail: p.Detail}
		if !p.ID.IsZero() {
			j.ID = p.ID.String()
		}
		all = append(all, j)
	}
	return all
}
