package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pold-network/pold/sidecar/swarm"
	"github.com/pold-network/pold/testutil/bench"
)

// testTurn ends a turn of a test that hangs.
const testTurn = time.Minute

func TestRingsConnectEverybodyAndNobodyToMany(t *testing.T) {
	for _, n := range []int{2, 8, 64} {
		neighbours := rings(n, 5, 7)
		met := map[int]bool{}
		var visit func(int)
		visit = func(i int) {
			if met[i] {
				return
			}
			met[i] = true
			for _, k := range neighbours[i] {
				if k == i || !slices.Contains(neighbours[k], i) {
					t.Errorf("%d nodes: expected %d and %d to be neighbours of each other", n, i, k)
				}
				visit(k)
			}
		}
		visit(0)
		if len(met) != n {
			t.Errorf("%d nodes: expected a way from node 0 to all, got one to %d", n, len(met))
		}
		for i, list := range neighbours {
			if len(list) > 10 || len(list) >= n {
				t.Errorf("%d nodes: expected at most 10 neighbours, node %d has %v", n, i, list)
			}
		}
	}
	for i, list := range everybody(4) {
		if len(list) != 3 || slices.Contains(list, i) {
			t.Errorf("expected the 3 others as neighbours of node %d, got %v", i, list)
		}
	}
}

func TestCallsOfAllNodesEndWithTheirTime(t *testing.T) {
	broken := errors.New("broken")
	err := each(t.Context(), 3, func(_ context.Context, i int) error {
		if i == 1 {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "node 1") {
		t.Errorf("expected the failure of node 1, got %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errLate)
	err = each(ctx, 3, func(ctx context.Context, i int) error {
		if i == 0 {
			return nil
		}
		return ctx.Err()
	})
	if !errors.Is(err, errLate) || !strings.Contains(err.Error(), "2 of 3") {
		t.Errorf("expected 2 of 3 nodes to be late, got %v", err)
	}
}

// halves lets the first two of some nodes hold a half each.
func halves(node, chunk int) bool { return node < 2 && chunk%2 == node }

func TestNodesSpreadWhatTheyHold(t *testing.T) {
	g, err := openGroup(t.Context(), t.TempDir(), everybody(3), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	stock, err := openStockCrowd(t.Context(), 3, 1<<30)
	if err != nil {
		t.Fatal(errors.Join(err, g.close()))
	}
	for name, nodes := range map[string]spreader{"ours": g, "stock bitswap": stock} {
		s := &spreading{ctx: t.Context(), nodes: nodes, dir: t.TempDir(), name: name, size: 16 * mib, timeout: testTurn, holds: halves}
		for range 2 {
			if _, err := s.Run(bench.Slot{}); err != nil {
				t.Fatal(err)
			}
		}
		if len(s.outcomes) != 1 {
			t.Fatalf("%s: expected the first turn not to count, got %d outcomes", name, len(s.outcomes))
		}
		for i, want := range []int64{8 * mib, 8 * mib, 16 * mib} {
			if got := s.outcomes[0].traffic[i].Useful; got < want {
				t.Errorf("%s, node %d: expected at least %d bytes that were missing, got %d", name, i, want, got)
			}
		}
		if err := nodes.close(); err != nil {
			t.Error(err)
		}
	}
}

func TestATurnThatIsLateSaysHowFarItGot(t *testing.T) {
	g, err := openGroup(t.Context(), t.TempDir(), everybody(2), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.close() }()
	late := &spreading{ctx: t.Context(), nodes: g, dir: t.TempDir(), name: "ours", size: 16 * mib, holds: halves}
	if _, err := late.Run(bench.Slot{}); !errors.Is(err, errLate) || !strings.Contains(err.Error(), "got") {
		t.Errorf("expected an error of a late turn, got %v", err)
	}
	late.peer = true
	if _, err := late.Run(bench.Slot{}); err != nil || late.hung == "" {
		t.Errorf("expected a peer to hang without an error, got %v", err)
	}
}

func TestOutcomesAreSummedUp(t *testing.T) {
	s := &spreading{size: 100, outcomes: []outcome{
		{traffic: []swarm.Traffic{{Sent: 150}, {Useful: 75, Duplicate: 10}}},
		{traffic: []swarm.Traffic{{Sent: 250}, {Useful: 25, Duplicate: 0}}},
	}}
	if got := s.duplicates(); got != 10 {
		t.Errorf("expected 10 %% of duplicates, got %v", got)
	}
	if got := s.copies(); got != 2 {
		t.Errorf("expected 2 copies sent by node 0, got %v", got)
	}
}
