package voteext_test

import (
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pold-network/pold/app"
	"github.com/pold-network/pold/testutil/network"
	"github.com/pold-network/pold/testutil/sidecars"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

// altered changes the decoded commit of a proposal.
func altered(t testing.TB, change func(*abci.ExtendedCommitInfo)) func([][]byte) [][]byte {
	return func(txs [][]byte) [][]byte {
		commit := carried(t, txs)
		change(&commit)
		return append([][]byte{encode(t, commit)}, txs[1:]...)
	}
}

// raw changes the bytes of the commit of a proposal.
func raw(change func([]byte) []byte) func([][]byte) [][]byte {
	return func(txs [][]byte) [][]byte { return append([][]byte{change(txs[0])}, txs[1:]...) }
}

func TestABlockIsVotedDownWhenItsProposer(t *testing.T) {
	n := withWork(t, 3, 0, network.Config{Powers: []int64{40, 30, 20, 20}, Accounts: 1})
	sidecars.Attach(n, agree, nil)
	older := n.Advance(3).Txs[0]
	other := network.New(t, network.Config{ChainID: "another-chain", Powers: []int64{40, 30, 20, 20}})

	for _, c := range []struct {
		name  string
		alter func(txs [][]byte) [][]byte
	}{
		{"drops the commit", func(txs [][]byte) [][]byte { return txs[1:] }},
		{"proposes an empty block", func([][]byte) [][]byte { return nil }},
		{"puts a transaction before the commit", func(txs [][]byte) [][]byte { return append([][]byte{[]byte("tx")}, txs...) }},
		{"replays the commit of an older height", raw(func([]byte) []byte { return older })},
		{"carries an empty commit", raw(func([]byte) []byte { return nil })},
		{"carries garbage", raw(func([]byte) []byte { return []byte("garbage") })},
		{"adds bytes after the commit", raw(func(b []byte) []byte { return append(b, 0) })},
		{"adds an unknown field", raw(func(b []byte) []byte {
			return protowire.AppendBytes(protowire.AppendTag(b, 15, protowire.BytesType), make([]byte, 1000))
		})},
		{"adds an unknown field to a vote", raw(func(b []byte) []byte {
			_, _, tag := protowire.ConsumeTag(b)
			vote, _ := protowire.ConsumeBytes(b[tag:])
			longer := protowire.AppendVarint(protowire.AppendTag(append([]byte{}, vote...), 99, protowire.VarintType), 1)
			rest := b[tag+len(protowire.AppendBytes(nil, vote)):]
			return append(protowire.AppendBytes(append([]byte{}, b[:tag]...), longer), rest...)
		})},
		{"writes a field that is zero", raw(func(b []byte) []byte { return append([]byte{0x08, 0x00}, b...) })},
		{"writes a length with padding", raw(func(b []byte) []byte {
			_, _, tag := protowire.ConsumeTag(b)
			vote, n := protowire.ConsumeBytes(b[tag:])
			size := protowire.AppendVarint(nil, uint64(len(vote)))
			size[len(size)-1] |= 0x80
			padded := append(append(append([]byte{}, b[:tag]...), size...), 0x00)
			return append(append(padded, vote...), b[tag+n:]...)
		})},
		{"carries half a million tiny votes", raw(func([]byte) []byte {
			b := make([]byte, app.MaxBlockBytes/4)
			for i := 0; i < len(b); i += 2 {
				b[i] = 0x12
			}
			return b
		})},
		{"carries more than a quarter of a block", raw(func(b []byte) []byte {
			return protowire.AppendBytes(protowire.AppendTag(b, 15, protowire.BytesType), make([]byte, app.MaxBlockBytes/4))
		})},
		{"changes the round", altered(t, func(c *abci.ExtendedCommitInfo) { c.Round++ })},
		{"counts a vote twice", altered(t, func(c *abci.ExtendedCommitInfo) { c.Votes = append(c.Votes, c.Votes[0]) })},
		{"puts one vote in the place of another", altered(t, func(c *abci.ExtendedCommitInfo) { c.Votes[1] = c.Votes[0] })},
		{"leaves a vote out", altered(t, func(c *abci.ExtendedCommitInfo) { c.Votes = c.Votes[:3] })},
		{"adds a validator", altered(t, func(c *abci.ExtendedCommitInfo) {
			c.Votes = append(c.Votes, abci.ExtendedVoteInfo{Validator: abci.Validator{Address: make([]byte, 20), Power: 1}, BlockIdFlag: cmtproto.BlockIDFlagAbsent})
		})},
		{"changes the order", altered(t, func(c *abci.ExtendedCommitInfo) { c.Votes[2], c.Votes[3] = c.Votes[3], c.Votes[2] })},
		{"raises a power", altered(t, func(c *abci.ExtendedCommitInfo) { c.Votes[0].Validator.Power++ })},
		{"moves power from one to another", altered(t, func(c *abci.ExtendedCommitInfo) {
			c.Votes[0].Validator.Power, c.Votes[1].Validator.Power = 36, 34
		})},
		{"changes an extension", altered(t, func(c *abci.ExtendedCommitInfo) {
			b, err := attestationtypes.EncodeExtension(attestationtypes.VoteExtension{Held: []uint64{7}})
			require.NoError(t, err)
			c.Votes[0].VoteExtension = b
		})},
		{"empties an extension but keeps the vote", altered(t, func(c *abci.ExtendedCommitInfo) { c.Votes[0].VoteExtension = nil })},
		{"swaps two extensions", altered(t, func(c *abci.ExtendedCommitInfo) {
			a, b := &c.Votes[0], &c.Votes[1]
			a.VoteExtension, b.VoteExtension = b.VoteExtension, a.VoteExtension
			a.ExtensionSignature, b.ExtensionSignature = b.ExtensionSignature, a.ExtensionSignature
		})},
		{"takes a signature away", altered(t, func(c *abci.ExtendedCommitInfo) { c.Votes[0].ExtensionSignature = nil })},
		{"takes a signature of another chain", altered(t, func(c *abci.ExtendedCommitInfo) {
			c.Votes[0].ExtensionSignature = other.SignExtension(0, n.Height(), c.Round, c.Votes[0].VoteExtension)
		})},
		{"takes a signature of another height", altered(t, func(c *abci.ExtendedCommitInfo) {
			c.Votes[0].ExtensionSignature = n.SignExtension(0, n.Height()-1, c.Round, c.Votes[0].VoteExtension)
		})},
		{"takes a signature of another round", altered(t, func(c *abci.ExtendedCommitInfo) {
			c.Votes[0].ExtensionSignature = n.SignExtension(0, n.Height(), c.Round+1, c.Votes[0].VoteExtension)
		})},
		{"marks a vote absent but keeps its extension", altered(t, func(c *abci.ExtendedCommitInfo) { c.Votes[3].BlockIdFlag = cmtproto.BlockIDFlagAbsent })},
		{"hides an extension behind a nil vote", altered(t, func(c *abci.ExtendedCommitInfo) { c.Votes[3].BlockIdFlag = cmtproto.BlockIDFlagNil })},
		{"drops votes of a third of power or more", altered(t, func(c *abci.ExtendedCommitInfo) {
			drop(&c.Votes[2])
			drop(&c.Votes[3])
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			n.AlterProposal = func(_ int64, txs [][]byte) [][]byte { return c.alter(txs) }
			require.True(t, n.Advance(1).Rejected)
			n.AlterProposal = nil
			require.False(t, n.Advance(1).Rejected, "the chain goes on")
		})
	}
	for id := range uint64(3) {
		require.Equal(t, attestationtypes.TASK_STATUS_SETTLED, task(t, n, id+1).Status)
	}
	n.Replay()
}

func drop(v *abci.ExtendedVoteInfo) {
	v.BlockIdFlag = cmtproto.BlockIDFlagAbsent
	v.VoteExtension, v.ExtensionSignature = nil, nil
}

// This is why windows last at least ten heights: several proposers must collude to silence a validator.
func TestAProposerMayDropSingleVotesButNotSilenceAValidator(t *testing.T) {
	n := withWork(t, 1, 0, network.Config{})
	sidecars.Attach(n, agree, nil)
	n.Advance(1)
	n.AlterProposal = func(height int64, txs [][]byte) [][]byte {
		if height%4 == 0 || height == 1 {
			return txs // one proposer of four is honest
		}
		return altered(t, func(c *abci.ExtendedCommitInfo) {
			for i := range c.Votes {
				if string(c.Votes[i].Validator.Address) == string(n.Validators[2].ConsAddr) {
					drop(&c.Votes[i])
				}
			}
		})(txs)
	}
	for range 15 {
		require.False(t, n.Advance(1).Rejected)
	}
	require.Len(t, task(t, n, 1).Matched, 4)
	n.Replay()
}

func TestATransactionThatLooksLikeACommitGetsNowhere(t *testing.T) {
	n := withWork(t, 1, 0, network.Config{})
	sidecars.Attach(n, agree, nil)
	n.Advance(3)
	last := n.Advance(1)
	forged := encode(t, last.Commit)

	check, err := n.App.CheckTx(&abci.RequestCheckTx{Tx: forged, Type: abci.CheckTxType_New})
	require.NoError(t, err)
	require.NotZero(t, check.Code, "it never enters the mempool")

	proposal, err := n.App.PrepareProposal(&abci.RequestPrepareProposal{
		MaxTxBytes: app.MaxBlockBytes, Txs: [][]byte{forged}, LocalLastCommit: last.Commit,
		Height: n.Height() + 1, Time: n.Time(), ProposerAddress: n.Validators[0].ConsAddr,
	})
	require.NoError(t, err)
	require.Equal(t, [][]byte{forged}, proposal.Txs, "the commit once, and nothing of a mempool with foreign bytes")

	before := task(t, n, 1)
	n.AlterProposal = func(_ int64, txs [][]byte) [][]byte { return append(txs, forged, forged) }
	block := n.Advance(1)
	for _, result := range block.Result.TxResults {
		require.NotZero(t, result.Code, "no copy of a commit is a transaction")
	}
	require.Equal(t, before.Id, task(t, n, 1).Id)
	n.Replay()
}

func TestTheCommitLeavesTheRestOfTheBlockToTransactions(t *testing.T) {
	n := withWork(t, 0, 0, network.Config{Accounts: 2})
	n.Advance(2)
	last := n.Advance(1)
	tx := n.Sign(n.Accounts[0])
	for room, want := range map[int64]int{
		int64(app.MaxBlockBytes):                           2,
		int64(len(encode(t, last.Commit)) + len(tx) + 100): 2,
		int64(len(encode(t, last.Commit)) + len(tx)/2):     1,
		10: 1,
	} {
		proposal, err := n.App.PrepareProposal(&abci.RequestPrepareProposal{
			MaxTxBytes: room, Txs: [][]byte{tx}, LocalLastCommit: last.Commit,
			Height: n.Height() + 1, Time: n.Time(), ProposerAddress: n.Validators[0].ConsAddr,
		})
		require.NoError(t, err)
		require.Len(t, proposal.Txs, want, "%d bytes", room)
	}
}
