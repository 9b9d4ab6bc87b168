package keeper_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/core/store"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/pol/keeper"
	"github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// bank counts unrn. Its balances stand in a store, so that what a failed transaction or block item did is undone.
type bank struct {
	balances collections.Map[[]byte, math.Int]
	// blocked accounts can't receive coins.
	blocked map[string]bool
}

// supplyKey is shorter than any address.
var supplyKey = []byte("supply")

func newBank(service store.KVStoreService) *bank {
	sb := collections.NewSchemaBuilder(service)
	b := &bank{balances: collections.NewMap(sb, collections.NewPrefix(0), "balances", collections.BytesKey, sdk.IntValue), blocked: map[string]bool{}}
	if _, err := sb.Build(); err != nil {
		panic(err)
	}
	return b
}

func (b *bank) get(ctx context.Context, key []byte) math.Int {
	v, err := b.balances.Get(ctx, key)
	if errors.Is(err, collections.ErrNotFound) {
		return math.ZeroInt()
	}
	if err != nil {
		panic(err)
	}
	return v
}

func (b *bank) add(ctx context.Context, key []byte, amount math.Int) error {
	v := b.get(ctx, key).Add(amount)
	if v.IsNegative() {
		return sdkerrors.ErrInsufficientFunds.Wrapf("%s is missing", v.Neg())
	}
	return b.balances.Set(ctx, key, v)
}

func (b *bank) move(ctx context.Context, from, to sdk.AccAddress, coins sdk.Coins) error {
	if err := b.add(ctx, from, coins.AmountOf(types.BaseDenom).Neg()); err != nil {
		return err
	}
	return b.add(ctx, to, coins.AmountOf(types.BaseDenom))
}

func (b *bank) change(ctx context.Context, module string, amount math.Int) error {
	if err := b.add(ctx, supplyKey, amount); err != nil {
		return err
	}
	return b.add(ctx, authtypes.NewModuleAddress(module), amount)
}

func (b *bank) GetSupply(ctx context.Context, denom string) sdk.Coin {
	return sdk.NewCoin(denom, b.get(ctx, supplyKey))
}

func (b *bank) GetBalance(ctx context.Context, addr sdk.AccAddress, denom string) sdk.Coin {
	return sdk.NewCoin(denom, b.get(ctx, addr))
}

func (b *bank) MintCoins(ctx context.Context, module string, amt sdk.Coins) error {
	return b.change(ctx, module, amt.AmountOf(types.BaseDenom))
}

func (b *bank) BurnCoins(ctx context.Context, module string, amt sdk.Coins) error {
	return b.change(ctx, module, amt.AmountOf(types.BaseDenom).Neg())
}

func (b *bank) SendCoinsFromModuleToAccount(ctx context.Context, sender string, to sdk.AccAddress, amt sdk.Coins) error {
	if b.blocked[to.String()] {
		return fmt.Errorf("%s is not allowed to receive funds", to)
	}
	return b.move(ctx, authtypes.NewModuleAddress(sender), to, amt)
}

func (b *bank) SendCoinsFromAccountToModule(ctx context.Context, from sdk.AccAddress, to string, amt sdk.Coins) error {
	return b.move(ctx, from, authtypes.NewModuleAddress(to), amt)
}

// sets is one training set, under two names, that is verified or not.
type sets struct {
	set     trainingsettypes.TrainingSet
	problem error
	// panics names a set at which the module panics.
	panics string
}

func (s *sets) Verified(_ context.Context, name string) (trainingsettypes.TrainingSet, error) {
	if name == s.panics {
		panic("training set exploded")
	}
	if s.problem != nil {
		return trainingsettypes.TrainingSet{}, s.problem
	}
	if name != s.set.Name && name != "twin" {
		return trainingsettypes.TrainingSet{}, trainingsettypes.ErrNotVerified.Wrapf("%q is not registered", name)
	}
	return s.set, nil
}

// verdict is what validators do about an open question.
type verdict int

const (
	undecided verdict = iota
	decided
	expired
)

// attestation is validators that do as they are told. Questions are answered at the end of a block, lowest id first.
type attestation struct {
	t        *testing.T
	outcomes keeper.Outcomes

	nextTask, nextArtefact uint64
	tasks                  map[uint64]attestationtypes.Task
	artefacts              map[uint64]attestationtypes.Artefact
	openTasks, asked       []uint64
	matched                []attestationtypes.Member
	maxCost                uint64
	openError              error
	matchedError           error

	// holds says whether a file is held; judge what its score is.
	holds func(types.SubmissionRef) (verdict, bool)
	judge func(types.SubmissionRef, types.ScoreManifest) (verdict, types.ScoreAnswer)
	// lose is how many of the next outcomes get lost on their way.
	lose int
}

func (a *attestation) OpenTask(ctx context.Context, kind string, ref, manifest []byte, cost uint64, priority math.Int) (uint64, error) {
	require.Equal(a.t, types.ScoreTaskKind, kind)
	require.False(a.t, priority.IsNegative())
	if a.openError != nil {
		return 0, a.openError
	}
	if cost > a.maxCost {
		return 0, fmt.Errorf("cost %d is above %d", cost, a.maxCost)
	}
	a.nextTask++
	a.tasks[a.nextTask] = attestationtypes.Task{Id: a.nextTask, Kind: kind, Ref: ref, Manifest: manifest, Cost: cost, Priority: priority}
	a.openTasks = append(a.openTasks, a.nextTask)
	return a.nextTask, nil
}

func (a *attestation) AskArtefact(_ context.Context, kind, cid string, sha256 []byte, size uint64, ref []byte) (uint64, error) {
	require.Equal(a.t, types.ScoreTaskKind, kind)
	a.nextArtefact++
	a.artefacts[a.nextArtefact] = attestationtypes.Artefact{Id: a.nextArtefact, Kind: kind, Cid: cid, Sha256: sha256, Size_: size, Ref: ref}
	a.asked = append(a.asked, a.nextArtefact)
	return a.nextArtefact, nil
}

func (a *attestation) Matched(context.Context, uint64) ([]attestationtypes.Member, error) {
	return a.matched, a.matchedError
}

func (a *attestation) TaskPending(_ context.Context, id uint64) (bool, error) {
	return slices.Contains(a.openTasks, id), nil
}

func (a *attestation) ArtefactPending(_ context.Context, id uint64) (bool, error) {
	return slices.Contains(a.asked, id), nil
}

func (a *attestation) MaxCost(context.Context, string) (uint64, error) { return a.maxCost, nil }

// endBlock answers what is to be answered; the owner's writes are dropped when it fails, as the real module does.
func (a *attestation) endBlock(ctx sdk.Context) {
	tell := func(call func(context.Context) error) {
		cached, write := ctx.CacheContext()
		require.NoError(a.t, call(cached))
		if a.lose > 0 {
			a.lose--
			return
		}
		write()
	}
	asked := a.asked
	a.asked = nil
	for _, id := range asked {
		q := a.artefacts[id]
		ref, err := types.DecodeSubmissionRef(q.Ref)
		require.NoError(a.t, err)
		v, held := a.holds(ref)
		if v == undecided {
			a.asked = append(a.asked, id)
			continue
		}
		q.Status = attestationtypes.ARTEFACT_STATUS_WITHHELD
		q.Note = "held by nobody"
		if held {
			q.Status, q.Note = attestationtypes.ARTEFACT_STATUS_HELD, ""
		}
		tell(func(ctx context.Context) error { return a.outcomes.ArtefactJudged(ctx, q) })
	}
	open := a.openTasks
	a.openTasks = nil
	for _, id := range open {
		q := a.tasks[id]
		ref, err := types.DecodeSubmissionRef(q.Ref)
		require.NoError(a.t, err)
		var m types.ScoreManifest
		require.NoError(a.t, m.Unmarshal(q.Manifest))
		v, answer := a.judge(ref, m)
		switch v {
		case undecided:
			a.openTasks = append(a.openTasks, id)
		case decided:
			q.Answer = answer.Encode()
			tell(func(ctx context.Context) error { return a.outcomes.TaskSettled(ctx, q) })
		case expired:
			q.Note = "only 1 of 4 power committed"
			tell(func(ctx context.Context) error { return a.outcomes.TaskExpired(ctx, q) })
		}
	}
}
