package keeper

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"cosmossdk.io/collections"
	errorsmod "cosmossdk.io/errors"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/pol/types"
)

// ProvideBatches adds sealed batches of coming rounds and raises the provider's bond.
func (k Keeper) ProvideBatches(ctx context.Context, m *types.MsgProvideBatches) error {
	g, err := k.group(ctx, m.Group)
	if err != nil {
		return err
	}
	if g.Settings.Evaluation != types.EVALUATION_MODE_SEALED || !slices.Contains(g.Settings.Providers, m.Sender) {
		return types.ErrInvalidBatch.Wrapf("%s is no provider of group %q; its settings name the providers", m.Sender, m.Group)
	}
	if len(m.Batches) > types.MaxBatchesAhead {
		return types.ErrInvalidBatch.Wrapf("expected at most %d batches in a message, got %d", types.MaxBatchesAhead, len(m.Batches))
	}
	for _, b := range m.Batches {
		if err := k.checkBatchCost(ctx, g, b); err != nil {
			return err
		}
		if err := k.addBatch(ctx, g, m.Sender, b); err != nil {
			return err
		}
	}
	if m.Bond.IsNil() || m.Bond.IsZero() {
		return nil
	}
	if err := k.escrow(ctx, m.Sender, m.Bond); err != nil {
		return errorsmod.Wrap(err, "provider bond")
	}
	bond, err := k.providerBond(ctx, m.Group, m.Sender)
	if err != nil {
		return err
	}
	bond.Amount = bond.Amount.Add(m.Bond)
	return k.ProviderBonds.Set(ctx, collections.Join(m.Group, m.Sender), bond)
}

// checkBatchCost refuses a batch that is too large to be scored: a provider's part of what a group may cost. A batch can't be
// replaced, so one that no round can use would stop the group.
func (k Keeper) checkBatchCost(ctx context.Context, g types.Group, b types.SealedBatchInfo) error {
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	budget, err := k.attestation.MaxCost(ctx, types.ScoreTaskKind)
	if err != nil {
		return err
	}
	shape, err := g.Settings.Shape()
	if err != nil {
		return err
	}
	most := min(params.MaxGroupCost, budget) / uint64(2*len(g.Settings.Providers)) // the other half is for the table
	if cost := shape.ScoreCost(b.Rows, b.Size_); cost > most {
		return types.ErrTooCostly.Wrapf("sealed batch of round %d: expected at most %d, got %d; use fewer rows", b.Round, most, cost)
	}
	return nil
}

func (k Keeper) addBatch(ctx context.Context, g types.Group, provider string, b types.SealedBatchInfo) error {
	if err := b.Validate(); err != nil {
		return err
	}
	if b.Round <= g.Round || b.Round > g.Round+types.MaxBatchesAhead {
		return types.ErrInvalidBatch.Wrapf("expected a round from %d to %d, got %d", g.Round+1, g.Round+types.MaxBatchesAhead, b.Round)
	}
	key := collections.Join3(g.Name, b.Round, provider)
	old, exists, err := find(ctx, k.Batches, key)
	if err != nil {
		return err
	}
	if exists && old.Status != types.SEALED_BATCH_STATUS_UNAVAILABLE {
		return types.ErrInvalidBatch.Wrapf("round %d of %q has a batch of this provider; it can't be replaced", b.Round, g.Name)
	}
	batch := types.SealedBatch{
		Group: g.Name, Provider: provider, Round: b.Round, Cid: b.Cid, Sha256: b.Sha256, Size_: b.Size_, TableSha256: b.TableSha256,
		Rows: b.Rows, KeyHash: b.KeyHash, Status: types.SEALED_BATCH_STATUS_ASKED,
	}
	ref := types.BatchRef{Group: g.Name, Round: b.Round, Provider: provider}
	batch.ArtefactId, err = k.attestation.AskArtefact(ctx, types.ScoreTaskKind, b.Cid, b.Sha256, b.Size_, ref.Encode())
	if err != nil {
		return err
	}
	return k.Batches.Set(ctx, key, batch)
}

func (k Keeper) providerBond(ctx context.Context, group, provider string) (types.ProviderBond, error) {
	b, exists, err := find(ctx, k.ProviderBonds, collections.Join(group, provider))
	if !exists {
		b = types.ProviderBond{Group: group, Provider: provider, Amount: math.ZeroInt()}
	}
	return b, err
}

// batchJudged notes whether validators hold an encrypted batch.
func (k Keeper) batchJudged(ctx context.Context, a attestationtypes.Artefact) error {
	ref, err := types.DecodeBatchRef(a.Ref)
	if err != nil {
		return err
	}
	key := collections.Join3(ref.Group, ref.Round, ref.Provider)
	b, exists, err := find(ctx, k.Batches, key)
	if err != nil || !exists || b.ArtefactId != a.Id || b.Status != types.SEALED_BATCH_STATUS_ASKED {
		return err
	}
	b.Status = types.SEALED_BATCH_STATUS_UNAVAILABLE
	if a.Status == attestationtypes.ARTEFACT_STATUS_HELD {
		b.Status = types.SEALED_BATCH_STATUS_READY
	}
	return k.Batches.Set(ctx, key, b)
}

// takeBatches pins the batch of each provider for a round; why says what is missing. A batch moves from the waiting ones to
// the round, so it can be used once.
func (k Keeper) takeBatches(ctx sdk.Context, g types.Group, r *types.Round, coinbase math.Int) (why string, err error) {
	params, err := k.Params.Get(ctx)
	if err != nil {
		return "", err
	}
	least := coinbase.Mul(math.NewIntFromUint64(params.ProviderBondE6)).AddRaw(million - 1).QuoRaw(million)
	for _, provider := range g.Settings.Providers {
		bond, err := k.providerBond(ctx, g.Name, provider)
		if err != nil {
			return "", err
		}
		if bond.Amount.LT(least) {
			return fmt.Sprintf("provider %s has a bond of %s unrn, the coinbase of the round asks for %s", provider, bond.Amount, least), nil
		}
		key := collections.Join3(g.Name, r.Number, provider)
		b, exists, err := find(ctx, k.Batches, key)
		if err != nil {
			return "", err
		}
		if !exists || b.Status != types.SEALED_BATCH_STATUS_READY {
			return fmt.Sprintf("provider %s has no sealed batch that validators hold for round %d", provider, r.Number), nil
		}
		b.Status = types.SEALED_BATCH_STATUS_USED
		r.Batches = append(r.Batches, b)
		if err := k.Batches.Remove(ctx, key); err != nil {
			return "", err
		}
	}
	return "", nil
}

// RevealBatchKey shows a key. Before the reveal phase has closed it would show the rows to trainers, so it is refused.
func (k Keeper) RevealBatchKey(goCtx context.Context, m *types.MsgRevealBatchKey) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	g, err := k.group(ctx, m.Group)
	if err != nil {
		return err
	}
	r, exists, err := find(ctx, k.Rounds, collections.Join(m.Group, m.Round))
	if err != nil {
		return err
	}
	if !exists || g.Round != m.Round || r.Phase != types.ROUND_PHASE_KEY || ctx.BlockHeight() > r.KeyUntil {
		return types.ErrWrongPhase.Wrapf("round %d of %q: keys are revealed in phase KEY, it is in %s; a key that is shown earlier shows the rows to trainers", m.Round, m.Group, r.Phase)
	}
	i := slices.IndexFunc(r.Batches, func(b types.SealedBatch) bool { return b.Provider == m.Sender })
	if i < 0 {
		return types.ErrInvalidBatch.Wrapf("round %d of %q uses no batch of %s", m.Round, m.Group, m.Sender)
	}
	if hash := sha256.Sum256(m.Key); len(m.Key) != sha256.Size || !bytes.Equal(hash[:], r.Batches[i].KeyHash) {
		return types.ErrMismatch.Wrapf("expected the key of 32 bytes with SHA-256 %X, got %d bytes with %X", r.Batches[i].KeyHash, len(m.Key), hash)
	}
	r.Batches[i].Key, r.Batches[i].Status = m.Key, types.SEALED_BATCH_STATUS_REVEALED
	if err := k.setRound(ctx, r); err != nil {
		return err
	}
	if keysMissing(r) == 0 {
		return k.wake(ctx, m.Group)
	}
	return nil
}

func keysMissing(r types.Round) int {
	n := 0
	for _, b := range r.Batches {
		if len(b.Key) == 0 {
			n++
		}
	}
	return n
}

// keysDone reports whether the key phase is over. Keys that did not come in time fail their batches.
func (k Keeper) keysDone(ctx sdk.Context, r *types.Round) (bool, error) {
	if keysMissing(*r) == 0 {
		return true, nil
	}
	if ctx.BlockHeight() < r.KeyUntil {
		return false, nil
	}
	for i := range r.Batches {
		if len(r.Batches[i].Key) == 0 {
			r.Batches[i].Status = types.SEALED_BATCH_STATUS_FAILED
		}
	}
	r.KeysWithheld = true
	return true, nil
}

// badBatch marks a batch that validators found to be something else than its provider committed to.
func (k Keeper) badBatch(ctx sdk.Context, r *types.Round, index int, note string) error {
	r.Batches[index].Status = types.SEALED_BATCH_STATUS_FAILED
	r.KeysWithheld = true
	r.Note = note
	emit(ctx, &types.EventPhase{Group: r.Group, Round: r.Number, Phase: r.Phase, Note: note})
	return nil
}

// payProviderBonds pays the bonds behind failed batches in equal parts to the round's valid candidates that beat the parent on
// the public rows: others had nothing to lose, and a provider could get its bond back through idle accounts of its own. What
// can't be divided, and all when there is none, is burned.
func (k Keeper) payProviderBonds(ctx sdk.Context, g types.Group, r types.Round, submissions []types.Submission) ([]types.Loss, error) {
	var valid []string
	for _, s := range submissions {
		if s.BeatsOnPublicRows(r.ParentVerdict, g.Settings.MinImprovementE9) {
			valid = append(valid, s.Trainer)
		}
	}
	var losses []types.Loss
	for _, b := range r.Batches {
		if b.Status != types.SEALED_BATCH_STATUS_FAILED {
			continue
		}
		bond, err := k.providerBond(ctx, r.Group, b.Provider)
		if err != nil {
			return nil, err
		}
		if !bond.Amount.IsPositive() {
			continue
		}
		note := fmt.Sprintf("sealed batch of round %d of %s: its key was withheld or opens something else", r.Number, r.Group)
		rest := bond.Amount
		if len(valid) > 0 {
			part := bond.Amount.QuoRaw(int64(len(valid)))
			for _, trainer := range valid {
				if err := k.release(ctx, trainer, part); err != nil {
					return nil, err
				}
				rest = rest.Sub(part)
			}
		}
		if err := k.burnEscrowed(ctx, b.Provider, rest, note); err != nil {
			return nil, err
		}
		if err := k.ProviderBonds.Remove(ctx, collections.Join(r.Group, b.Provider)); err != nil {
			return nil, err
		}
		losses = append(losses, types.Loss{Address: b.Provider, Amount: bond.Amount, Cause: types.LossSealedKey, Note: note})
	}
	return losses, nil
}

// WithdrawProviderBond pays a bond back once nothing depends on it any more.
func (k Keeper) WithdrawProviderBond(ctx context.Context, provider, group string) (math.Int, error) {
	g, err := k.group(ctx, group)
	if err != nil {
		return zero, err
	}
	bond, err := k.providerBond(ctx, group, provider)
	if err != nil {
		return zero, err
	}
	if !bond.Amount.IsPositive() {
		return zero, types.ErrInsufficientBond.Wrapf("%s has no provider bond in group %q", provider, group)
	}
	waits := false
	err = k.Batches.Walk(ctx, collections.NewPrefixedTripleRange[string, uint64, string](group),
		func(key collections.Triple[string, uint64, string], b types.SealedBatch) (bool, error) {
			// A round number that has passed is never used.
			waits = key.K3() == provider && key.K2() > g.Round && b.Status != types.SEALED_BATCH_STATUS_UNAVAILABLE
			return waits, nil
		})
	if err != nil {
		return zero, err
	}
	if g.Round > 0 && !waits {
		r, err := k.Rounds.Get(ctx, collections.Join(group, g.Round))
		if err != nil {
			return zero, err
		}
		waits = r.Phase != types.ROUND_PHASE_SETTLED && slices.ContainsFunc(r.Batches, func(b types.SealedBatch) bool { return b.Provider == provider })
	}
	if waits {
		return zero, types.ErrWrongPhase.Wrapf("group %q will use, or uses, a sealed batch of %s; the bond is free after the last one", group, provider)
	}
	if err := k.ProviderBonds.Remove(ctx, collections.Join(group, provider)); err != nil {
		return zero, err
	}
	return bond.Amount, k.release(ctx, provider, bond.Amount)
}

// million is the denominator of the _e6 parameters.
const million = 1_000_000
