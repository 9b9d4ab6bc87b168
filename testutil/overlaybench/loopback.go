package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/pold-network/pold/testutil/bench"
)

// Goals of the transfer between two processes of one machine.
const (
	goalKubo    = 1.5
	goalTCPCopy = 0.30
)

// loopback moves 256 MiB from one holder to one fetcher.
func (r *run) loopback(ctx context.Context) (err error) {
	const size = 256 * mib
	dir, remove, err := r.scratch("loopback")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	got, err := r.contest(ctx, dir, 0, r.rounds, oursEntry(dir, size), r.kuboEntry(dir, size), tcpEntry(size), bitswapEntry(size))
	if err != nil {
		return err
	}
	our, kubo, tcp, bitswap := got[0], got[1], got[2], got[3]
	if kubo.contender != nil {
		if a, b := our.system.(*ours).cid, kubo.system.(*kuboPair).cid; a != b {
			return fmt.Errorf("expected Kubo to give the artefact our CID %s, got %s", a, b)
		}
	}
	const row = "256 MiB, one holder, one fetcher"
	r.report.Add(
		our.rateAgainst(row, kubo, "Kubo", goalKubo),
		our.rateAgainst(row+", of the ceiling", tcp, "TCP copy with SHA-256", goalTCPCopy),
		our.rateAgainst(row+", stores in memory", bitswap, "tuned bitswap", 0),
	)
	const cpu = "CPU time of both ends per GB"
	if kubo.contender == nil {
		r.report.Add(bench.Alone(cpu, our.cpuPerGB(), "Kubo", "s", 0))
	} else {
		r.report.Add(bench.Compare(cpu, our.cpuPerGB(), kubo.cpuPerGB(), "Kubo", "s", bench.LessIsBetter, 0))
	}
	r.report.Add(bench.Compare(cpu, our.cpuPerGB(), tcp.cpuPerGB(), "TCP copy with SHA-256", "s", bench.LessIsBetter, 0))
	return nil
}
