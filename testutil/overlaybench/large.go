package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pold-network/pold/testutil/bench"
)

const (
	largeSize = 4 << 30
	// largeDisk is what the section needs: the artefact, and the stores of holder and fetcher.
	largeDisk = 3*largeSize + 1<<30
	// goalMemory is by how much the memory of a node may grow, in bytes.
	goalMemory = 256 * mib
	// largeTimeout ends each part of the section when it hangs.
	largeTimeout = 20 * time.Minute
	// largeRounds are the most transfers of Kubo that count.
	largeRounds = 3
)

// large moves 4 GiB once between two processes. Their memory must not grow with the artefact, nor their CPU time for each byte.
func (r *run) large(ctx context.Context) (err error) {
	dir, remove, err := r.scratch("large")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	if err := enoughDisk(dir, largeDisk); err != nil {
		return err
	}
	kubo, err := r.contest(ctx, dir, 0, min(r.rounds, largeRounds), r.kuboEntry(dir, 256*mib))
	if err != nil {
		return err
	}
	our, err := r.moveLarge(ctx, dir)
	if err != nil {
		return err
	}
	const row = "4 GiB, one holder, one fetcher"
	for i, name := range []string{"holder", "fetcher"} {
		grown := float64(our.grown[i]) / mib
		r.report.Add(bench.Compare("4 GiB, memory of the "+name+" above idle", grown, goalMemory/mib, "limit", "MiB", bench.LessIsBetter, 1))
	}
	const cpu = "4 GiB, CPU time of both ends per GB"
	if kubo[0].contender == nil {
		r.report.Add(bench.Alone(cpu, our.cpuPerGB, "Kubo, 256 MiB", "s", 1))
	} else {
		r.report.Add(bench.Compare(cpu, our.cpuPerGB, kubo[0].cpuPerGB(), "Kubo, 256 MiB", "s", bench.LessIsBetter, 1))
	}
	r.report.Add(bench.Alone(row, our.rate, "", "MB/s", 0))
	return nil
}

// largeMove is what the transfer of the large artefact has cost.
type largeMove struct {
	grown    [2]int64 // bytes of memory of holder and fetcher above what they had before
	cpuPerGB float64  // seconds of both
	rate     float64  // MB/s
}

func (r *run) moveLarge(ctx context.Context, dir string) (m largeMove, err error) {
	a, err := newArtefact(filepath.Join(dir, "large"), largeSize, largeSize)
	if err != nil {
		return m, err
	}
	s, err := startOurs(ctx, filepath.Join(dir, "nodes"), nil)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	pids := s.processes()
	var idle [2]int64
	for i, pid := range pids {
		now, err := memoryOf(pid)
		if err != nil {
			return m, err
		}
		idle[i] = now.now
		if err := resetPeak(pid); err != nil {
			return m, err
		}
	}
	if err := within(ctx, "adding 4 GiB", func(ctx context.Context) error { return s.hold(ctx, a) }); err != nil {
		return m, err
	}
	if err := os.Remove(a.path); err != nil {
		return m, err
	}
	unix.Sync()
	before, err := cpuTime(pids[:]...)
	if err != nil {
		return m, err
	}
	start := time.Now()
	if err := within(ctx, "the transfer of 4 GiB", s.fetch); err != nil {
		return m, err
	}
	m.rate = float64(a.size) / 1e6 / time.Since(start).Seconds()
	after, err := cpuTime(pids[:]...)
	if err != nil {
		return m, err
	}
	m.cpuPerGB = (after - before).Seconds() / (float64(a.size) / 1e9)
	for i, pid := range pids {
		now, err := memoryOf(pid)
		if err != nil {
			return m, err
		}
		m.grown[i] = now.peak - idle[i]
	}
	return m, within(ctx, "hashing 4 GiB", s.verify)
}

// within gives a part of the section its time.
func within(ctx context.Context, what string, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, largeTimeout, fmt.Errorf("%s took longer than %v", what, largeTimeout))
	defer cancel()
	return f(ctx)
}

// enoughDisk checks the free space before it is used.
func enoughDisk(dir string, need int64) error {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return err
	}
	if free := int64(s.Bavail) * s.Bsize; free < need {
		return fmt.Errorf("expected %d GiB of free disk for %s, got %d; set TMPDIR to a folder with more", need>>30, dir, free>>30)
	}
	return nil
}
