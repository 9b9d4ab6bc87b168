package keeper

import (
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	"github.com/cosmos/gogoproto/proto"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/trainingset/types"
)

// Register stores a new training set, or replaces one of the same owner that was rejected, and burns the fee.
func (k Keeper) Register(ctx context.Context, m *types.MsgRegisterTrainingSet) error {
	if err := types.ValidateName(m.Name); err != nil {
		return err
	}
	if len(m.CardUri) > types.MaxCardURI {
		return types.ErrInvalidTable.Wrapf("card_uri: expected at most %d bytes, got %d", types.MaxCardURI, len(m.CardUri))
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	if err := m.Table.Validate(params); err != nil {
		return err
	}
	if m.Table.SplitKey != "" {
		return types.ErrInvalidTable.Wrap("split_key: expected none; the name of the set is the key, and only forks keep that of another set")
	}
	old, err := k.TrainingSets.Get(ctx, m.Name)
	if err != nil && !errors.Is(err, collections.ErrNotFound) {
		return err
	}
	if err == nil && (old.Status != types.STATUS_REJECTED || old.Owner != m.Sender) {
		return types.ErrExists.Wrapf("%q is registered by %s with status %s; choose another name", m.Name, old.Owner, old.Status)
	}
	if err := k.pol.BurnFee(ctx, m.Sender, params.RegistrationFee, "training set registration"); err != nil {
		return err
	}
	s := types.TrainingSet{Name: m.Name, Owner: m.Sender, Table: m.Table, Version: old.Version + 1, Status: types.STATUS_PENDING, CardUri: m.CardUri, Group: old.Group, Fixed: old.Fixed}
	if err := k.TrainingSets.Set(ctx, s.Name, s); err != nil {
		return err
	}
	emit(ctx, &types.EventRegistered{Name: s.Name, Cid: s.Table.Cid, Rows: s.Table.Rows})
	return k.Waiting.Set(ctx, s.Name)
}

// Verified returns a training set that validators have checked.
func (k Keeper) Verified(ctx context.Context, name string) (types.TrainingSet, error) {
	s, err := k.TrainingSets.Get(ctx, name)
	if errors.Is(err, collections.ErrNotFound) {
		return s, types.ErrNotVerified.Wrapf("%q is not registered", name)
	}
	if err != nil {
		return s, err
	}
	if s.Status != types.STATUS_VERIFIED {
		return s, types.ErrNotVerified.Wrapf("%q is %s: %s", name, s.Status, s.Note)
	}
	return s, nil
}

// ask asks validators to fetch the table of a registered set.
func (k Keeper) ask(ctx context.Context, name string) error {
	s, err := k.TrainingSets.Get(ctx, name)
	if err != nil {
		return err
	}
	s.ArtefactId, err = k.attestation.AskArtefact(ctx, types.DataTaskKind, s.Table.Cid, s.Table.Sha256, s.Table.Size_, []byte(name))
	if err != nil {
		return err
	}
	s.Note = "validators fetch the table"
	return k.TrainingSets.Set(ctx, name, s)
}

// check opens the task in which validators parse the table and compute its root.
func (k Keeper) check(ctx context.Context, s types.TrainingSet) error {
	manifest, err := proto.Marshal(&types.DataManifest{
		ChainId: sdk.UnwrapSDKContext(ctx).ChainID(), Name: s.Name, Version: s.Version, Table: s.Table,
	})
	if err != nil {
		return err
	}
	s.TaskId, err = k.attestation.OpenTask(ctx, types.DataTaskKind, []byte(s.Name), manifest, s.Table.Work(), math.ZeroInt())
	if err != nil {
		return k.reject(ctx, s, err.Error())
	}
	s.Status, s.Note = types.STATUS_CHECKING, "validators compute the root"
	return k.TrainingSets.Set(ctx, s.Name, s)
}

func (k Keeper) reject(ctx context.Context, s types.TrainingSet, reason string) error {
	s.Status, s.Note = types.STATUS_REJECTED, reason
	emit(ctx, &types.EventRejected{Name: s.Name, Version: s.Version, Reason: reason})
	return k.TrainingSets.Set(ctx, s.Name, s)
}

// judge compares what validators found with what was registered.
func (k Keeper) judge(ctx context.Context, s types.TrainingSet, answer []byte) error {
	a, err := types.DecodeDataAnswer(answer)
	if err != nil {
		return k.reject(ctx, s, "validators settled on an unreadable answer: "+err.Error())
	}
	if a.Status != types.DataValid {
		return k.reject(ctx, s, a.Status.String())
	}
	if a.Expanded != s.Table.ExpandedColumns {
		return k.reject(ctx, s, fmt.Sprintf("registered with %d expanded_columns; found %d", s.Table.ExpandedColumns, a.Expanded))
	}
	if a.Rows != s.Table.Rows || a.Columns != s.Table.Columns || [32]byte(s.Table.Root) != a.Root {
		return k.reject(ctx, s, fmt.Sprintf("registered %d rows, %d columns and root %X; found %d, %d and %X",
			s.Table.Rows, s.Table.Columns, s.Table.Root, a.Rows, a.Columns, a.Root))
	}
	s.Status, s.Note = types.STATUS_VERIFIED, ""
	if err := k.record(ctx, s, nil); err != nil {
		return err
	}
	emit(ctx, &types.EventVerified{Name: s.Name, Version: s.Version, Rows: a.Rows, Root: a.Root[:]})
	return k.TrainingSets.Set(ctx, s.Name, s)
}

// emit publishes a typed event; one that can't be encoded is a programming error that tests find.
func emit(goCtx context.Context, event proto.Message) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if err := ctx.EventManager().EmitTypedEvent(event); err != nil {
		ctx.Logger().Error("event could not be encoded", "error", err)
	}
}
