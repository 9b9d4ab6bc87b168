package main

import (
	"github.com/pold-network/pold/testutil/bench"
	"github.com/pold-network/pold/testutil/digests"
)

// digests prints the matrix of all builds, backends and numbers of threads. A difference is an error, with or without -check.
func (r *run) digests() error {
	matrix, err := digests.Run(digests.Targets, digests.Threads)
	if err != nil {
		return err
	}
	if err := matrix.Print(r.out); err != nil {
		return err
	}
	for _, e := range matrix.Experiments() {
		r.report.Add(bench.Compare("digests of "+e, float64(matrix.Different(e)), 1, "limit", "different results", bench.LessIsBetter, 1))
	}
	r.differ = matrix.Check()
	return nil
}
