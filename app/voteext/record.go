package voteext

import (
	"fmt"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationkeeper "github.com/pold-network/pold/x/attestation/keeper"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

// Record takes the extensions carried by a block into the state before anything else runs. What it can't decode or
// can't map to a validator is ignored; content never fails a block.
func (h *Handler) Record(ctx sdk.Context, req *abci.RequestFinalizeBlock) {
	if !carries(ctx, req.Height) || len(req.Txs) == 0 {
		return
	}
	var commit abci.ExtendedCommitInfo
	if err := commit.Unmarshal(req.Txs[0]); err != nil {
		h.logger.Error("injected commit ignored", "height", req.Height, "error", err)
		return
	}
	var extensions []attestationkeeper.SignedExtension
	for _, v := range commit.Votes {
		if v.BlockIdFlag != cmtproto.BlockIDFlagCommit || len(v.VoteExtension) == 0 {
			continue
		}
		e, err := attestationtypes.DecodeExtension(v.VoteExtension)
		if err != nil {
			continue
		}
		operator, err := h.attestation.Operator(ctx, v.Validator.Address)
		if err != nil {
			continue // the validator has left; leavers stay in the denominator of open tasks
		}
		extensions = append(extensions, attestationkeeper.SignedExtension{Operator: operator, Extension: e})
	}
	cached, write := ctx.CacheContext()
	if err := h.record(cached, req.Height-1, extensions); err != nil {
		h.logger.Error("extensions ignored", "height", req.Height, "error", err)
		return
	}
	write()
}

func (h *Handler) record(ctx sdk.Context, signed int64, extensions []attestationkeeper.SignedExtension) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return h.attestation.RecordExtensions(ctx, signed, extensions)
}
