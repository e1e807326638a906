// Package report is what a load test has found: counts, errors by kind, and histograms
// of times. Reports of several processes are added, judged by limits, and shown to people
// and to programs.
//
// Histograms are those of HdrHistogram, of three digits; reports in JSON carry them
// whole, so that the quantiles of a sum are those of one process that had seen all.
//
// # Concurrency
//
// Nothing here is safe for concurrent use, and nothing waits.
package report
