package voteext_test

import (
	"bytes"
	"testing"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	"github.com/pold-network/pold/app"
	"github.com/pold-network/pold/testutil/network"
	"github.com/pold-network/pold/testutil/sidecars"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

func TestValidatorsAgreeThroughTheirExtensions(t *testing.T) {
	n := withWork(t, 2, 1, network.Config{})
	sidecars.Attach(n, func(validator int, task attestationtypes.Task) []byte {
		if validator == 3 && task.Id == 2 {
			return []byte("wrong")
		}
		return agree(validator, task)
	}, nil)
	n.Advance(6)
	require.Equal(t, attestationtypes.TASK_STATUS_SETTLED, task(t, n, 1).Status)
	require.Len(t, task(t, n, 1).Matched, 4)
	require.Equal(t, attestationtypes.TASK_STATUS_SETTLED, task(t, n, 2).Status)
	require.Equal(t, []string{n.Validators[3].Operator.String()}, task(t, n, 2).Mismatched)
	require.Equal(t, []byte{2, 1}, task(t, n, 2).Answer)
	require.Equal(t, attestationtypes.ARTEFACT_STATUS_HELD, artefact(t, n, 1).Status)
	n.Replay()
}

func TestASidecarThatComesBackCatchesUp(t *testing.T) {
	n := withWork(t, 1, 1, network.Config{})
	set := sidecars.Attach(n, agree, nil)
	set.Offline[2], set.Offline[3] = true, true
	n.Advance(6)
	require.Equal(t, attestationtypes.TASK_STATUS_COMMIT, task(t, n, 1).Status, "half of the power is not enough")
	set.Offline[2] = false
	n.Advance(10)
	require.Equal(t, attestationtypes.TASK_STATUS_SETTLED, task(t, n, 1).Status)
	require.Len(t, task(t, n, 1).Matched, 3)
	require.Equal(t, attestationtypes.ARTEFACT_STATUS_HELD, artefact(t, n, 1).Status)
	n.Replay()
}

func TestStateSurvivesExportAndImportInTheMiddleOfATask(t *testing.T) {
	n := withWork(t, 1, 1, network.Config{})
	set := sidecars.Attach(n, agree, func(validator int, _ attestationtypes.Artefact) bool { return validator == 0 })
	set.Offline[3] = true
	for status := attestationtypes.TASK_STATUS_UNSPECIFIED; status != attestationtypes.TASK_STATUS_SETTLED; {
		n.Advance(1)
		exported, again := n.Reexport()
		require.JSONEq(t, string(exported), string(again), "height %d", n.Height())
		status = task(t, n, 1).Status
		if status == attestationtypes.TASK_STATUS_COMMIT && n.Height() == 5 {
			next := n.Continue()
			sidecars.Attach(next, agree, nil)
			next.Advance(12)
			require.Equal(t, attestationtypes.TASK_STATUS_SETTLED, task(t, next, 1).Status, "the imported chain decides what the old one began")
			require.Equal(t, attestationtypes.ARTEFACT_STATUS_HELD, artefact(t, next, 1).Status)
			next.Replay()
		}
		require.Less(t, n.Height(), int64(30))
	}
	n.Replay()
}

func TestNodesWithoutSidecarsKeepProducingBlocks(t *testing.T) {
	n := withWork(t, 1, 0, network.Config{}) // the application's own ExtendVote, without a sidecar
	block := n.Advance(30)
	for _, vote := range block.Commit.Votes {
		require.Equal(t, cmtproto.BlockIDFlagCommit, vote.BlockIdFlag)
		require.Empty(t, vote.VoteExtension)
	}
	require.False(t, block.Rejected)
	require.Equal(t, attestationtypes.TASK_STATUS_EXPIRED, task(t, n, 1).Status)
	n.Replay()
}

func TestAnAbsentVoteIsAnAbstention(t *testing.T) {
	n := withWork(t, 1, 0, network.Config{})
	sidecars.Attach(n, agree, nil)
	n.Absent = func(validator int, _ int64) bool { return validator == 0 }
	n.Advance(16)
	settled := task(t, n, 1)
	require.Equal(t, attestationtypes.TASK_STATUS_SETTLED, settled.Status)
	require.Len(t, settled.Matched, 3)
	require.Empty(t, settled.Mismatched)
	n.Replay()
}

func TestPowerThatChangesAfterSigningMovesNeitherBlocksNorTallies(t *testing.T) {
	n := withWork(t, 1, 0, network.Config{Powers: []int64{40, 30, 30}, Accounts: 1})
	sidecars.Attach(n, func(validator int, task attestationtypes.Task) []byte {
		if validator == 2 {
			return []byte("wrong")
		}
		return agree(validator, task)
	}, nil)
	n.Advance(1) // the task opens with the powers of genesis
	result := n.Deliver(n.Accounts[0], stakingtypes.NewMsgDelegate(n.Accounts[0].String(), n.Validators[2].Operator.String(),
		sdk.NewInt64Coin(app.BaseDenom, 900_000_000)))
	require.Zero(t, result.Code, result.Log)
	for range 6 {
		require.False(t, n.Advance(1).Rejected)
	}
	require.Equal(t, int64(930), n.Advance(1).Commit.Votes[0].Validator.Power)
	settled := task(t, n, 1)
	require.Equal(t, attestationtypes.TASK_STATUS_SETTLED, settled.Status)
	require.Equal(t, int64(70), settled.MatchedPower)
	require.Equal(t, int64(100), settled.TotalPower)
	n.Replay()
}

func TestAValidatorThatLeavesStaysInTheDenominatorAndBlocksGoOn(t *testing.T) {
	n := withWork(t, 1, 0, network.Config{Powers: []int64{10, 10, 10}})
	set := sidecars.Attach(n, agree, nil)
	set.Offline[2] = true
	n.Advance(1)
	leaver := n.Validators[2]
	result := n.Deliver(leaver.Account, stakingtypes.NewMsgUndelegate(leaver.Account.String(), leaver.Operator.String(), sdk.NewInt64Coin(app.BaseDenom, 10_000_000)))
	require.Zero(t, result.Code, result.Log)
	n.Advance(24)
	require.Equal(t, attestationtypes.TASK_STATUS_EXPIRED, task(t, n, 1).Status, "two of three at the opening are not more than two thirds")
	n.Replay()
}

// A vote that arrives late is counted by CometBFT without asking the application about its extension.
func TestAProposerTurnsMalformedExtensionsIntoAbsentVotes(t *testing.T) {
	for name, bad := range map[string][]byte{
		"bytes that are no protobuf": []byte("garbage"),
		"more than 4,096 bytes":      append([]byte{0x08, 0x01}, make([]byte, 5000)...),
		"an unknown version":         {0x08, 0x02},
		"an unknown field":           {0x08, 0x01, 0x48, 0x01},
	} {
		t.Run(name, func(t *testing.T) {
			n := withWork(t, 1, 0, network.Config{})
			set := sidecars.Attach(n, agree, nil)
			n.Extend = func(validator int, height int64) []byte {
				if validator == 1 {
					return bad
				}
				return set.Extend(validator, height)
			}
			n.SkipVerify = true
			n.Advance(1)
			raw := n.Advance(1).Commit
			block := n.Advance(1)
			require.False(t, block.Rejected)
			for _, vote := range carried(t, block.Txs).Votes {
				if bytes.Equal(vote.Validator.Address, n.Validators[1].ConsAddr) {
					require.Equal(t, cmtproto.BlockIDFlagAbsent, vote.BlockIdFlag)
					require.Empty(t, vote.VoteExtension)
				} else {
					require.Equal(t, cmtproto.BlockIDFlagCommit, vote.BlockIdFlag)
				}
			}
			require.NotEqual(t, encode(t, raw), block.Txs[0])

			last := block.Commit
			n.AlterProposal = func(_ int64, txs [][]byte) [][]byte { return append([][]byte{encode(t, last)}, txs[1:]...) }
			require.True(t, n.Advance(1).Rejected, "a proposer that keeps them is voted down")
			n.AlterProposal = nil
			n.Advance(12)
			require.Equal(t, attestationtypes.TASK_STATUS_SETTLED, task(t, n, 1).Status)
			n.Replay()
		})
	}
}

func TestAMalformedExtensionIsRefusedWhenItIsVerified(t *testing.T) {
	n := withWork(t, 1, 0, network.Config{})
	set := sidecars.Attach(n, agree, nil)
	n.Extend = func(validator int, height int64) []byte {
		if validator == 1 {
			return []byte("garbage")
		}
		return set.Extend(validator, height)
	}
	block := n.Advance(3)
	absent := 0
	for _, vote := range block.Commit.Votes {
		if vote.BlockIdFlag == cmtproto.BlockIDFlagAbsent {
			absent++
		}
	}
	require.Equal(t, 1, absent)
}

func TestAHundredValidatorsWithFullExtensionsFitIntoAQuarterOfABlock(t *testing.T) {
	n := withWork(t, 0, 0, network.Config{Validators: 100})
	full := attestationtypes.VoteExtension{Version: attestationtypes.ExtensionVersion}
	for i := range uint64(200) {
		full.Openings = append(full.Openings, attestationtypes.ExtensionOpening{TaskId: 1000 + i, Answer: make([]byte, 11)})
	}
	for {
		answer := &full.Openings[0].Answer
		if full.Size() == attestationtypes.MaxExtensionSize {
			break
		}
		require.Less(t, full.Size(), attestationtypes.MaxExtensionSize)
		if len(*answer) == attestationtypes.MaxAnswerSize {
			full.Openings[1].Answer = append(full.Openings[1].Answer, 0)
			continue
		}
		*answer = append(*answer, 0)
	}
	b, err := full.Marshal()
	require.NoError(t, err)
	require.Len(t, b, attestationtypes.MaxExtensionSize)
	n.Extend = func(int, int64) []byte { return b }
	n.Advance(1)
	block := n.Advance(1)
	require.False(t, block.Rejected)
	require.Greater(t, len(block.Txs[0]), 100*attestationtypes.MaxExtensionSize)
	require.LessOrEqual(t, len(block.Txs[0]), app.MaxBlockBytes/4)
	for _, vote := range carried(t, block.Txs).Votes {
		require.Equal(t, cmtproto.BlockIDFlagCommit, vote.BlockIdFlag, "none was left out")
	}
}
