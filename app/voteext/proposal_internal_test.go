package voteext

import (
	"bytes"
	"encoding/binary"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/stretchr/testify/require"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

// votes returns votes of equal power whose extensions have the given numbers of witnesses.
func votes(t testing.TB, witnesses ...int) abci.ExtendedCommitInfo {
	t.Helper()
	var commit abci.ExtendedCommitInfo
	for i, n := range witnesses {
		e := attestationtypes.VoteExtension{Version: attestationtypes.ExtensionVersion}
		for id := range uint64(n) {
			e.Commits = append(e.Commits, attestationtypes.ExtensionCommit{TaskId: id, Witness: bytes.Repeat([]byte{1}, 32)})
		}
		b, err := e.Marshal()
		require.NoError(t, err)
		commit.Votes = append(commit.Votes, abci.ExtendedVoteInfo{
			Validator:     abci.Validator{Address: binary.BigEndian.AppendUint64(make([]byte, 12), uint64(i)), Power: 10},
			VoteExtension: b, ExtensionSignature: make([]byte, 64), BlockIdFlag: cmtproto.BlockIDFlagCommit,
		})
	}
	return commit
}

func present(commit abci.ExtendedCommitInfo) (indexes []int) {
	for i, v := range commit.Votes {
		if v.BlockIdFlag == cmtproto.BlockIDFlagCommit {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

func TestTheLargestExtensionsAreLeftOutUntilTheCommitFits(t *testing.T) {
	commit := votes(t, 10, 90, 10, 20)
	before := commit.String()
	all, err := commit.Marshal()
	require.NoError(t, err)

	b, err := inject(commit, len(all))
	require.NoError(t, err)
	require.Equal(t, all, b)

	b, err = inject(commit, len(all)-1)
	require.NoError(t, err)
	smaller, err := extract([][]byte{b}, len(all))
	require.NoError(t, err)
	require.Equal(t, []int{0, 2, 3}, present(smaller))
	require.Equal(t, before, commit.String(), "what CometBFT handed over is not changed")

	_, err = inject(commit, len(b)-1)
	require.ErrorContains(t, err, "two thirds of power or less", "a commit without more than two thirds would be rejected")
}

func TestManyValidatorsWithFullExtensionsKeepMoreThanTwoThirds(t *testing.T) {
	const limit = 1 << 20
	sizes := make([]int, 300)
	for i := range sizes {
		sizes[i] = 106 // 4,030 bytes
		if i%3 > 0 {
			sizes[i] = 50
		}
	}
	commit := votes(t, sizes...)
	b, err := inject(commit, limit-300_000)
	require.NoError(t, err)
	require.LessOrEqual(t, len(b), limit-300_000)
	kept, err := extract([][]byte{b}, limit)
	require.NoError(t, err)
	require.True(t, enough(kept))
	left := map[int]bool{}
	for _, i := range present(kept) {
		left[i] = true
	}
	for i, size := range sizes {
		if size == 50 {
			require.True(t, left[i], "a small extension is never left out for a large one")
		}
	}
}

func TestExactlyTwoThirdsAreNotEnough(t *testing.T) {
	commit := votes(t, 1, 1, 1)
	commit.Votes[2].VoteExtension = []byte("garbage")
	_, err := inject(commit, 1<<20)
	require.ErrorContains(t, err, "two thirds of power or less")
	commit = votes(t, 1, 1, 1, 1)
	commit.Votes[2].VoteExtension = []byte("garbage")
	_, err = inject(commit, 1<<20)
	require.NoError(t, err)
}

func FuzzExtract(f *testing.F) {
	b, err := inject(votes(f, 1, 0, 2), 1<<20)
	require.NoError(f, err)
	f.Add(b)
	f.Add([]byte{0x12, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		commit, err := extract([][]byte{b}, 1<<20)
		if err != nil {
			return
		}
		again, err := commit.Marshal()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x was accepted, but its canonical form is %x (%v)", b, again, err)
		}
	})
}
