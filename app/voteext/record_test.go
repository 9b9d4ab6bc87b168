package voteext_test

import (
	"context"
	"errors"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/log/v2"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/app/voteext"
	"github.com/pold-network/pold/testutil/network"
	attestationkeeper "github.com/pold-network/pold/x/attestation/keeper"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

// recorder is an attestation keeper that remembers what it was given, writes, and then fails as told.
type recorder struct {
	attestationkeeper.Keeper
	got    []attestationkeeper.SignedExtension
	signed int64
	fault  string
}

func (r *recorder) Operator(_ context.Context, address sdk.ConsAddress) (string, error) {
	if address[0] == 9 {
		return "", errors.New("no such validator")
	}
	return string('a' + rune(address[0])), nil
}

func (r *recorder) RecordExtensions(ctx sdk.Context, signed int64, extensions []attestationkeeper.SignedExtension) error {
	r.signed, r.got = signed, extensions
	if err := r.Seen.Set(ctx, "written", signed); err != nil {
		return err
	}
	switch r.fault {
	case "error":
		return errors.New("store broke")
	case "panic":
		panic("keeper broke")
	}
	return nil
}

func TestRecordTakesWhatItCanMapAndIgnoresTheRest(t *testing.T) {
	n := withWork(t, 0, 0, network.Config{})
	n.Advance(3)
	valid, err := attestationtypes.EncodeExtension(attestationtypes.VoteExtension{Held: []uint64{1}})
	require.NoError(t, err)
	vote := func(address byte, flag cmtproto.BlockIDFlag, extension []byte) abci.ExtendedVoteInfo {
		return abci.ExtendedVoteInfo{Validator: abci.Validator{Address: []byte{address}}, BlockIdFlag: flag, VoteExtension: extension}
	}
	commit := encode(t, abci.ExtendedCommitInfo{Votes: []abci.ExtendedVoteInfo{
		vote(0, cmtproto.BlockIDFlagCommit, valid),
		vote(1, cmtproto.BlockIDFlagCommit, nil),
		vote(2, cmtproto.BlockIDFlagCommit, []byte("garbage")),
		vote(3, cmtproto.BlockIDFlagAbsent, valid),
		vote(9, cmtproto.BlockIDFlagCommit, valid),
		vote(4, cmtproto.BlockIDFlagCommit, valid),
	}})

	for _, c := range []struct {
		name   string
		fault  string
		height int64
		txs    [][]byte
		want   []string
		writes bool
	}{
		{"a commit", "", 4, [][]byte{commit}, []string{"a", "e"}, true},
		{"an error of the keeper", "error", 4, [][]byte{commit}, []string{"a", "e"}, false},
		{"a panic of the keeper", "panic", 4, [][]byte{commit}, []string{"a", "e"}, false},
		{"the first height with extensions carries none", "", 1, [][]byte{commit}, nil, false},
		{"an empty block", "", 4, nil, nil, false},
		{"bytes that are no commit", "", 4, [][]byte{[]byte("garbage")}, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &recorder{Keeper: n.App.AttestationKeeper, fault: c.fault}
			h := voteext.NewHandler(voteext.Config{}, r, n.App.StakingKeeper, nil, log.NewNopLogger())
			ctx := n.Ctx()
			h.Record(ctx, &abci.RequestFinalizeBlock{Height: c.height, Txs: c.txs})
			var operators []string
			for _, e := range r.got {
				operators = append(operators, e.Operator)
				require.Equal(t, []uint64{1}, e.Extension.Held)
			}
			require.Equal(t, c.want, operators)
			if c.want != nil {
				require.Equal(t, c.height-1, r.signed)
			}
			has, err := r.Seen.Has(ctx, "written")
			require.NoError(t, err)
			require.Equal(t, c.writes, has, "all of it or nothing")
		})
	}
}
