package keeper

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/pol/types"
)

func drawRef(r types.Round, purpose string) []byte {
	return types.DrawRef{Group: r.Group, Round: r.Number, Purpose: purpose}.Encode()
}

// DrawDone stores a seed of the beacon and wakes the group if it waits for it.
func (o Outcomes) DrawDone(ctx context.Context, d attestationtypes.Draw, seed []byte) error {
	ref, err := types.DecodeDrawRef(d.Ref)
	if err != nil {
		return err
	}
	r, err := o.Rounds.Get(ctx, collections.Join(ref.Group, ref.Round))
	if err != nil {
		return err
	}
	draw := drawOf(&r, ref.Purpose)
	if *draw.id != d.Id || len(*draw.seed) > 0 || r.Phase == types.ROUND_PHASE_SETTLED {
		return nil
	}
	*draw.seed = seed
	if err := o.setRound(ctx, r); err != nil {
		return err
	}
	if r.Phase != draw.phase {
		return nil
	}
	return o.wake(ctx, r.Group)
}

// draw is one of the three seeds of a round.
type draw struct {
	purpose, kind string
	// phase is the one that can't go on without the seed.
	phase types.RoundPhase
	id    *uint64
	seed  *[]byte
}

func drawOf(r *types.Round, purpose string) draw {
	switch purpose {
	case types.DrawOrder:
		return draw{purpose, types.AuditTaskKind, types.ROUND_PHASE_DRAW, &r.OrderDraw, &r.OrderSeed}
	case types.DrawScore:
		return draw{purpose, types.ScoreTaskKind, types.ROUND_PHASE_SCORE, &r.ScoreDraw, &r.ScoreSeed}
	}
	return draw{types.DrawAudit, types.AuditTaskKind, types.ROUND_PHASE_AUDIT, &r.AuditDraw, &r.AuditSeed}
}

// requestDraw asks the beacon for one of the seeds of a round.
func (k Keeper) requestDraw(ctx sdk.Context, r *types.Round, purpose string) error {
	d := drawOf(r, purpose)
	id, err := k.attestation.RequestDraw(ctx, d.kind, drawRef(*r, purpose))
	if err != nil {
		return fmt.Errorf("%s seed of round %d: %w", purpose, r.Number, err)
	}
	*d.id = id
	return nil
}

// redraw requests the seed for which the phase of a round waits again when it got lost, and reports whether it did.
func (k Keeper) redraw(ctx sdk.Context, r *types.Round) (bool, error) {
	for _, purpose := range []string{types.DrawOrder, types.DrawScore, types.DrawAudit} {
		d := drawOf(r, purpose)
		if d.phase != r.Phase || len(*d.seed) > 0 {
			continue
		}
		pending, err := k.attestation.DrawPending(ctx, *d.id)
		if err != nil || pending {
			return false, err
		}
		return true, k.requestDraw(ctx, r, purpose)
	}
	return false, nil
}
