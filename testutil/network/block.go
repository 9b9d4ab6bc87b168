package network

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtcrypto "github.com/cometbft/cometbft/crypto/encoding"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"
	protoio "github.com/cosmos/gogoproto/io"
	"github.com/stretchr/testify/require"
)

// Block is what came of one height.
type Block struct {
	Height int64
	// Txs are the transactions of the block; with vote extensions the first is the injected one.
	Txs [][]byte
	// Rejected says that the first proposal, altered by AlterProposal, was voted down.
	Rejected bool
	// Commit holds the votes for this block, as the next proposer sees them.
	Commit abci.ExtendedCommitInfo
	Result *abci.ResponseFinalizeBlock
}

// Advance makes blocks and returns the last one.
func (n *Network) Advance(blocks int) Block {
	n.t.Helper()
	var last Block
	for range blocks {
		last = n.step()
	}
	return last
}

// step makes the next block: proposal, votes with extensions, execution.
func (n *Network) step() Block {
	n.t.Helper()
	block := Block{Height: n.Height() + 1}
	set := n.sets[block.Height]
	n.time = n.time.Add(n.config.BlockTime)

	commit := n.lastCommit
	commit.Votes = slices.Clone(commit.Votes)
	if n.AlterCommit != nil {
		n.AlterCommit(block.Height, &commit)
	}
	txs := n.prepare(block.Height, 0, commit)
	round := int32(0)
	if n.AlterProposal != nil {
		txs = n.AlterProposal(block.Height, txs)
	}
	if !n.process(block.Height, round, txs) {
		require.NotNil(n.t, n.AlterProposal, "validators rejected an honest proposal at height %d", block.Height)
		// The next proposer collected the votes itself.
		block.Rejected = true
		round++
		txs = n.prepare(block.Height, round, n.lastCommit)
		require.True(n.t, n.process(block.Height, round, txs), "validators rejected an honest proposal at height %d, round 1", block.Height)
	}
	block.Txs = txs

	block.Commit = n.vote(block.Height, round, txs, set)
	block.Result = n.finalize(block.Height, round, txs)
	n.lastCommit = block.Commit
	n.pending, n.sent = nil, map[string]uint64{}
	return block
}

func (n *Network) prepare(height int64, round int32, commit abci.ExtendedCommitInfo) [][]byte {
	n.t.Helper()
	params := n.App.GetConsensusParams(n.Ctx())
	if height == n.genesis.InitialHeight {
		params = *n.genesis.ConsensusParams
	}
	response, err := n.App.PrepareProposal(&abci.RequestPrepareProposal{
		MaxTxBytes:      cmttypes.MaxDataBytes(params.Block.MaxBytes, 0, len(commit.Votes)),
		Txs:             slices.Clone(n.pending),
		LocalLastCommit: commit,
		Height:          height,
		Time:            n.time,
		ProposerAddress: n.proposer(height, round),
	})
	require.NoError(n.t, err)
	return response.Txs
}

func (n *Network) process(height int64, round int32, txs [][]byte) bool {
	n.t.Helper()
	response, err := n.App.ProcessProposal(&abci.RequestProcessProposal{
		Txs:                txs,
		ProposedLastCommit: decided(n.lastCommit),
		Hash:               blockHash(height, round, txs),
		Height:             height,
		Time:               n.time,
		ProposerAddress:    n.proposer(height, round),
	})
	require.NoError(n.t, err)
	return response.Status == abci.ResponseProcessProposal_ACCEPT
}

func (n *Network) finalize(height int64, round int32, txs [][]byte) *abci.ResponseFinalizeBlock {
	n.t.Helper()
	request := &abci.RequestFinalizeBlock{
		Txs:               txs,
		DecidedLastCommit: decided(n.lastCommit),
		Hash:              blockHash(height, round, txs),
		Height:            height,
		Time:              n.time,
		ProposerAddress:   n.proposer(height, round),
	}
	response, err := n.App.FinalizeBlock(request)
	require.NoError(n.t, err)
	_, err = n.App.Commit()
	require.NoError(n.t, err)

	n.blocks = append(n.blocks, request)
	n.hashes = append(n.hashes, response.AppHash)
	// CometBFT applies the updates of a block two heights later.
	n.sets[height+2] = map[string]int64{}
	for address, power := range n.sets[height+1] {
		n.sets[height+2][address] = power
	}
	n.updatePowers(height+2, response.ValidatorUpdates)
	return response
}

// vote collects the signed votes for a block, ordered as CometBFT orders validators.
func (n *Network) vote(height int64, round int32, txs [][]byte, set map[string]int64) abci.ExtendedCommitInfo {
	n.t.Helper()
	commit := abci.ExtendedCommitInfo{Round: round}
	var total, present int64
	for i, validator := range n.Validators {
		power, active := set[string(validator.ConsAddr)]
		if !active {
			continue
		}
		vote := abci.ExtendedVoteInfo{
			Validator:   abci.Validator{Address: validator.ConsAddr, Power: power},
			BlockIdFlag: cmtproto.BlockIDFlagAbsent,
		}
		total += power
		if n.Absent == nil || !n.Absent(i, height) {
			extension := n.extend(i, height, round, txs)
			if n.SkipVerify || n.verify(validator, height, round, txs, extension) {
				vote.BlockIdFlag = cmtproto.BlockIDFlagCommit
				vote.VoteExtension = extension
				vote.ExtensionSignature = n.SignExtension(i, height, round, extension)
				present += power
			}
		}
		commit.Votes = append(commit.Votes, vote)
	}
	require.Greater(n.t, 3*present, 2*total, "height %d: %d of %d power voted, so a real network would wait", height, present, total)
	slices.SortFunc(commit.Votes, func(a, b abci.ExtendedVoteInfo) int {
		if a.Validator.Power != b.Validator.Power {
			if a.Validator.Power > b.Validator.Power {
				return -1
			}
			return 1
		}
		return bytes.Compare(a.Validator.Address, b.Validator.Address)
	})
	return commit
}

func (n *Network) extend(validator int, height int64, round int32, txs [][]byte) []byte {
	n.t.Helper()
	if n.Extend != nil {
		return n.Extend(validator, height)
	}
	response, err := n.App.ExtendVote(context.Background(), &abci.RequestExtendVote{
		Hash: blockHash(height, round, txs), Height: height, Time: n.time, Txs: txs,
		ProposedLastCommit: decided(n.lastCommit), ProposerAddress: n.proposer(height, round),
	})
	require.NoError(n.t, err)
	return response.VoteExtension
}

func (n *Network) verify(validator Validator, height int64, round int32, txs [][]byte, extension []byte) bool {
	n.t.Helper()
	response, err := n.App.VerifyVoteExtension(&abci.RequestVerifyVoteExtension{
		Hash: blockHash(height, round, txs), Height: height, ValidatorAddress: validator.ConsAddr, VoteExtension: extension,
	})
	require.NoError(n.t, err)
	return response.Status == abci.ResponseVerifyVoteExtension_ACCEPT
}

// SignExtension returns a validator's signature of an extension of its vote for a block.
func (n *Network) SignExtension(validator int, height int64, round int32, extension []byte) []byte {
	n.t.Helper()
	var message bytes.Buffer
	require.NoError(n.t, protoio.NewDelimitedWriter(&message).WriteMsg(&cmtproto.CanonicalVoteExtension{
		Extension: extension, Height: height, Round: int64(round), ChainId: n.config.ChainID,
	}))
	signature, err := n.Validators[validator].Key.Sign(message.Bytes())
	require.NoError(n.t, err)
	return signature
}

// updatePowers applies validator updates to the set of a height; power 0 removes a validator.
func (n *Network) updatePowers(height int64, updates []abci.ValidatorUpdate) {
	n.t.Helper()
	for _, update := range updates {
		key, err := cmtcrypto.PubKeyFromProto(update.PubKey)
		require.NoError(n.t, err)
		address := string(key.Address())
		require.True(n.t, slices.ContainsFunc(n.Validators, func(v Validator) bool { return string(v.ConsAddr) == address }),
			"validator %X is not one of the network's keys", address)
		if update.Power == 0 {
			delete(n.sets[height], address)
			continue
		}
		n.sets[height][address] = update.Power
	}
}

// proposer takes turns among the validators of a height.
func (n *Network) proposer(height int64, round int32) []byte {
	var active [][]byte
	for _, validator := range n.Validators {
		if _, ok := n.sets[height][string(validator.ConsAddr)]; ok {
			active = append(active, validator.ConsAddr)
		}
	}
	return active[(height+int64(round))%int64(len(active))]
}

// decided is the part of the votes that stands in the block itself.
func decided(commit abci.ExtendedCommitInfo) abci.CommitInfo {
	info := abci.CommitInfo{Round: commit.Round}
	for _, vote := range commit.Votes {
		info.Votes = append(info.Votes, abci.VoteInfo{Validator: vote.Validator, BlockIdFlag: vote.BlockIdFlag})
	}
	return info
}

// blockHash differs whenever a block does, which is all that the application asks of it.
func blockHash(height int64, round int32, txs [][]byte) []byte {
	hash := sha256.New()
	_ = binary.Write(hash, binary.BigEndian, [2]int64{height, int64(round)})
	for _, tx := range txs {
		sum := sha256.Sum256(tx)
		hash.Write(sum[:])
	}
	return hash.Sum(nil)
}
