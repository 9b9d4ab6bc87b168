package types

import (
	"context"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// BankKeeper moves, mints and burns NRN.
type BankKeeper interface {
	GetSupply(ctx context.Context, denom string) sdk.Coin
	GetBalance(ctx context.Context, addr sdk.AccAddress, denom string) sdk.Coin
	MintCoins(ctx context.Context, module string, amt sdk.Coins) error
	BurnCoins(ctx context.Context, module string, amt sdk.Coins) error
	SendCoinsFromModuleToAccount(ctx context.Context, sender string, recipient sdk.AccAddress, amt sdk.Coins) error
	SendCoinsFromAccountToModule(ctx context.Context, sender sdk.AccAddress, recipient string, amt sdk.Coins) error
}

// AttestationKeeper opens tasks, asks validators for files and draws seeds.
type AttestationKeeper interface {
	OpenTask(ctx context.Context, kind string, ref, manifest []byte, cost uint64, priority math.Int) (uint64, error)
	AskArtefact(ctx context.Context, kind, cid string, sha256 []byte, size uint64, ref []byte) (uint64, error)
	// Matched returns the snapshot members whose witness matched the settled answer of a task, in address order.
	Matched(ctx context.Context, taskID uint64) ([]attestationtypes.Member, error)
	// Mismatched returns the operators that had committed to another answer, in address order.
	Mismatched(ctx context.Context, taskID uint64) ([]string, error)
	MaxCost(ctx context.Context, kind string) (uint64, error)
	// TaskPending, ArtefactPending and DrawPending report whether an outcome is still to come.
	TaskPending(ctx context.Context, id uint64) (bool, error)
	ArtefactPending(ctx context.Context, id uint64) (bool, error)
	DrawPending(ctx context.Context, id uint64) (bool, error)
	// RequestDraw asks the beacon for a seed that nobody can know yet; the owner of the kind gets it with ref.
	RequestDraw(ctx context.Context, kind string, ref []byte) (uint64, error)
	// AskBundle is AskArtefact for a file that names others, as the manifest says.
	AskBundle(ctx context.Context, kind, cid string, sha256 []byte, size uint64, ref, manifest []byte) (uint64, error)
	ReportConduct(ctx context.Context, conduct attestationtypes.Conduct) error
	// LiveState returns how many bonded validators are live and how many have to be for anything to be decided.
	LiveState(ctx context.Context) (live, required int, err error)
}

// ReputationKeeper says how much closer than usual a trainer is looked at.
type ReputationKeeper interface {
	// ExtraSegments returns how many segments beyond the base count are replayed of an account's transcripts.
	ExtraSegments(ctx context.Context, address string) (uint32, error)
}

// TrainingSetKeeper resolves training sets that validators have checked.
type TrainingSetKeeper interface {
	Verified(ctx context.Context, name string) (trainingsettypes.TrainingSet, error)
	// Adopt puts a set under the votes of a group, when the group's creator owns it and no other group governs it.
	Adopt(ctx context.Context, name, group, creator string) error
	// Fork copies the current table of a set under a new name, to be governed by a group.
	Fork(ctx context.Context, source, name, owner, group string) error
}

// VotingKeeper counts the stake behind ballots. It is told of every change of a bond.
type VotingKeeper interface {
	GroupOpened(ctx context.Context, group string, stake math.Int) error
	BondChanged(ctx context.Context, group, address string, before, after math.Int) error
	OpenBallot(ctx context.Context, group, owner string, ref uint64, subject string) (uint64, error)
	CloseBallot(ctx context.Context, id uint64) error
	// Standing returns the stake behind a ballot that counts now, and that of the whole group, in unrn.
	Standing(ctx context.Context, id uint64) (ballot, group math.Int, err error)
	// VoterStanding returns what an account can vote with now, in unrn.
	VoterStanding(ctx context.Context, group, address string) (math.Int, error)
	Period(ctx context.Context, group string) (votingtypes.Period, error)
	CheckPeriod(ctx context.Context, seconds uint64) error
	SetPeriod(ctx context.Context, group string, seconds uint64) error
}
