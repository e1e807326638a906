package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxSize bounds a report in JSON, in bytes. One has some 10 KB.
const MaxSize = 16 << 20

// Write writes the report as JSON.
func (r *Report) Write(w io.Writer) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// Read reads what Write has written.
func Read(from io.Reader) (*Report, error) {
	text, err := io.ReadAll(io.LimitReader(from, MaxSize+1))
	if err != nil {
		return nil, err
	}
	if len(text) > MaxSize {
		return nil, fmt.Errorf("more than %d MiB: that is no report", MaxSize>>20)
	}
	r := new(Report)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("no report in JSON (--output json): %w", err)
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, nil
}

// check refuses what is JSON, but no report.
func (r *Report) check() error {
	switch {
	case r.Version != Version:
		return fmt.Errorf("a report of version %d: this program reads version %d", r.Version, Version)
	case len(r.Runs) == 0:
		return errors.New("no report: it has no runs")
	}
	for _, h := range []Histogram{r.Connect, r.Welcome, r.Ticks.Lateness, r.Commands.Latency, r.Delay} {
		if h.counts == nil {
			return errors.New("no whole report: it lacks a histogram")
		}
	}
	return nil
}
