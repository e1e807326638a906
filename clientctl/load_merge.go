package main

import (
	"fmt"
	"os"

	"github.com/presenced/presence/clientctl/load/report"
	"github.com/spf13/cobra"
)

func newLoadMerge(p process) *cobra.Command {
	var v verdictFlags
	cmd := &cobra.Command{
		Use:   "merge FILE...",
		Short: "Add the reports of several processes",
		Long: `Add reports that clientctl load has written with --output json, and show and judge
the sum. Quantiles are those of one process that had seen all, since the reports have
their histograms whole. A run that is in two reports is an error.`,
		Example: `  clientctl load merge a.json b.json
  clientctl load merge *.json -o json --max-missed 0 > all.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(fmt.Errorf("merge which reports? Give the files"))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return mergeReports(v, args, p) },
	}
	v.addFlags(cmd.Flags())
	variables(cmd.Flags())
	return cmd
}

func mergeReports(v verdictFlags, files []string, p process) error {
	if err := v.validate(); err != nil {
		return err
	}
	sum := report.New()
	for _, name := range files {
		one, err := readReport(name)
		if err != nil {
			return err
		}
		if err := sum.Add(one); err != nil {
			return usage(fmt.Errorf("%s: %w", name, err))
		}
	}
	return v.conclude(sum, p)
}

func readReport(name string) (*report.Report, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usage(err)
	}
	defer f.Close()
	r, err := report.Read(f)
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", name, err))
	}
	return r, nil
}
