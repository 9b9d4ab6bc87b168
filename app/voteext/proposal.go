package voteext

import (
	"bytes"
	"fmt"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	"github.com/cosmos/cosmos-sdk/baseapp"
	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

// injectedPart is the part of a block's bytes that the injected commit may take: a quarter.
const injectedPart = 4

// Prepare puts the extended commit of the last height first into the block, then ordinary transactions.
func (h *Handler) Prepare() sdk.PrepareProposalHandler {
	rest := h.fallback.PrepareProposalHandler()
	return func(ctx sdk.Context, req *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
		if !carries(ctx, req.Height) {
			return rest(ctx, req)
		}
		injected, err := inject(req.LocalLastCommit, maxInjected(ctx))
		if err != nil {
			return nil, err
		}
		commit, err := extract([][]byte{injected}, maxInjected(ctx))
		if err != nil {
			return nil, err
		}
		if err := baseapp.ValidateVoteExtensions(ctx, h.validators, 0, "", commit); err != nil {
			return nil, fmt.Errorf("extended commit of height %d: %w", req.Height-1, err)
		}
		// The request is shared with optimistic execution and must not be changed.
		smaller := *req
		// Selection reads the bound as unsigned: below zero it would have no bound at all.
		smaller.MaxTxBytes = max(0, req.MaxTxBytes-txSize(injected))
		res, err := rest(ctx, &smaller)
		if err != nil {
			// A block without the commit is rejected; one without transactions is not.
			h.logger.Error("no transactions proposed", "height", req.Height, "error", err)
			res = &abci.ResponsePrepareProposal{}
		}
		return &abci.ResponsePrepareProposal{Txs: append([][]byte{injected}, res.Txs...)}, nil
	}
}

// Process rejects a block without the extended commit, or with one that is malformed, oversized or not signed.
func (h *Handler) Process() sdk.ProcessProposalHandler {
	rest := h.fallback.ProcessProposalHandler()
	return func(ctx sdk.Context, req *abci.RequestProcessProposal) (*abci.ResponseProcessProposal, error) {
		if !carries(ctx, req.Height) {
			return rest(ctx, req)
		}
		commit, err := extract(req.Txs, maxInjected(ctx))
		if err == nil {
			err = baseapp.ValidateVoteExtensions(ctx, h.validators, 0, "", commit)
		}
		if err != nil {
			h.logger.Warn("proposal rejected", "height", req.Height, "proposer", fmt.Sprintf("%X", req.ProposerAddress), "reason", err)
			return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_REJECT}, nil
		}
		smaller := *req
		smaller.Txs = req.Txs[1:]
		return rest(ctx, &smaller)
	}
}

// maxInjected is the most bytes that the injected commit may have.
func maxInjected(ctx sdk.Context) int {
	if block := ctx.ConsensusParams().Block; block != nil && block.MaxBytes > 0 {
		return int(block.MaxBytes / injectedPart)
	}
	return int(defaultMaxBytes / injectedPart)
}

// defaultMaxBytes bounds blocks when the consensus parameters do not.
const defaultMaxBytes = 4 << 20

// inject encodes the commit after turning votes with malformed or oversized extensions, and then the largest ones if
// the whole is too large, into absent votes, as long as more than two thirds of power remain.
func inject(commit abci.ExtendedCommitInfo, limit int) ([]byte, error) {
	votes := make([]abci.ExtendedVoteInfo, len(commit.Votes))
	copy(votes, commit.Votes)
	commit.Votes = votes
	for i := range votes {
		if votes[i].BlockIdFlag != cmtproto.BlockIDFlagCommit {
			continue
		}
		if _, err := attestationtypes.DecodeExtension(votes[i].VoteExtension); err != nil {
			blank(&votes[i])
		}
	}
	for {
		b, err := commit.Marshal()
		if err != nil {
			return nil, err
		}
		if !enough(commit) {
			return nil, fmt.Errorf("extended commit: two thirds of power or less have a well-formed extension")
		}
		if len(b) <= limit {
			return b, nil
		}
		blank(&votes[largest(votes)])
	}
}

// extract decodes and checks the injected commit of a block without looking at any state.
func extract(txs [][]byte, limit int) (abci.ExtendedCommitInfo, error) {
	var commit abci.ExtendedCommitInfo
	if len(txs) == 0 {
		return commit, fmt.Errorf("extended commit: expected as first transaction, the block is empty")
	}
	if len(txs[0]) > limit {
		return commit, fmt.Errorf("extended commit: expected at most %d bytes, got %d", limit, len(txs[0]))
	}
	if err := commit.Unmarshal(txs[0]); err != nil {
		return commit, fmt.Errorf("extended commit: %w", err)
	}
	// One commit has one encoding: unknown fields and other padding would be block space that nobody pays for.
	if canonical, err := commit.Marshal(); err != nil || !bytes.Equal(canonical, txs[0]) {
		return commit, fmt.Errorf("extended commit: expected the canonical encoding of its %d votes", len(commit.Votes))
	}
	seen := make(map[string]bool, len(commit.Votes))
	for _, v := range commit.Votes {
		address := string(v.Validator.Address)
		if seen[address] {
			return commit, fmt.Errorf("extended commit: validator %X appears twice", v.Validator.Address)
		}
		seen[address] = true
		if v.BlockIdFlag != cmtproto.BlockIDFlagCommit {
			if len(v.VoteExtension) > 0 || len(v.ExtensionSignature) > 0 {
				return commit, fmt.Errorf("extended commit: validator %X has an extension without a vote for the block", v.Validator.Address)
			}
			continue
		}
		if _, err := attestationtypes.DecodeExtension(v.VoteExtension); err != nil {
			return commit, fmt.Errorf("extended commit: validator %X: %w", v.Validator.Address, err)
		}
	}
	return commit, nil
}

func blank(v *abci.ExtendedVoteInfo) {
	v.BlockIdFlag = cmtproto.BlockIDFlagAbsent
	v.VoteExtension, v.ExtensionSignature = nil, nil
}

// enough reports whether more than two thirds of power have a vote with an extension.
func enough(commit abci.ExtendedCommitInfo) bool {
	var with, total int64
	for _, v := range commit.Votes {
		total += v.Validator.Power
		if v.BlockIdFlag == cmtproto.BlockIDFlagCommit {
			with += v.Validator.Power
		}
	}
	return attestationtypes.TwoThirds(with, total)
}

// largest returns the index of the longest extension, the first of equals.
func largest(votes []abci.ExtendedVoteInfo) int {
	index, size := 0, -1
	for i, v := range votes {
		if v.BlockIdFlag == cmtproto.BlockIDFlagCommit && len(v.VoteExtension) > size {
			index, size = i, len(v.VoteExtension)
		}
	}
	return index
}

// txSize is what a transaction takes of a block: its bytes, a tag and a length.
func txSize(tx []byte) int64 {
	const framing = 6
	return int64(len(tx)) + framing
}
