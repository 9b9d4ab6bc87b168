package devnet

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// pollStore reports how each store task of the group ended.
func (w *watcher) pollStore(ctx context.Context, c *grpc.ClientConn) error {
	g, err := poltypes.NewQueryClient(c).Group(ctx, &poltypes.QueryGroupRequest{Name: Group})
	if err != nil || g.StoreTurn == nil || g.StoreTurn.Task == 0 || g.StoreTurn.Task == w.store {
		return err
	}
	r, err := attestationtypes.NewQueryClient(c).Task(ctx, &attestationtypes.QueryTaskRequest{Id: g.StoreTurn.Task})
	if err != nil {
		return err
	}
	if e, done := storeEvent(r.Task); done {
		w.store = r.Task.Id
		w.report(e)
	}
	return nil
}

// storeEvent says how a store task ended; done is false while it is open.
func storeEvent(t attestationtypes.Task) (e Event, done bool) {
	var m poltypes.StoreManifest
	if err := m.Unmarshal(t.Manifest); err != nil {
		return e, false
	}
	e = Event{Event: "store_task", Group: m.Group, Count: int(t.Id), Name: m.File.Word(), Height: t.FinishedHeight}
	switch t.Status {
	case attestationtypes.TASK_STATUS_SETTLED:
		e.Status = "settled"
		e.Note = fmt.Sprintf("%s produced by %d %% of power", chunks(m.Chunks), 100*t.MatchedPower/max(t.TotalPower, 1))
	case attestationtypes.TASK_STATUS_EXPIRED:
		e.Status, e.Note = "expired", fmt.Sprintf("%s, %s", chunks(m.Chunks), t.Note)
	default:
		return e, false
	}
	return e, true
}

func chunks(n uint32) string {
	if n == 1 {
		return "1 chunk"
	}
	return fmt.Sprintf("%d chunks", n)
}
