// Package voteext connects the attestation module to CometBFT's vote extensions: what a validator adds to its
// precommit (extend.go), what a proposer may carry into a block (proposal.go), and how a block records it (record.go).
// The sidecar is optional at every call: a node without one signs empty extensions and keeps producing blocks.
package voteext

import (
	"context"
	"time"

	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/baseapp"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/sidecar/api"
	attestationkeeper "github.com/pold-network/pold/x/attestation/keeper"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

// Sidecar answers what it has already computed. It must return quickly; the node does not wait past its deadline.
type Sidecar interface {
	Answers(ctx context.Context, request *api.AnswersRequest) (*api.AnswersResponse, error)
}

// NoSidecar is the sidecar of a node that has none.
type NoSidecar struct{}

// Answers reports that there is nobody to ask.
func (NoSidecar) Answers(context.Context, *api.AnswersRequest) (*api.AnswersResponse, error) {
	return nil, errNoSidecar
}

// Attestation is what the handlers need of the attestation keeper.
type Attestation interface {
	Duties(ctx context.Context, operator string) (attestationkeeper.Duties, error)
	MayOpen(ctx context.Context, operator string, task attestationtypes.Task, answer []byte) (bool, error)
	Operator(ctx context.Context, consensus sdk.ConsAddress) (string, error)
	RecordExtensions(ctx sdk.Context, signed int64, extensions []attestationkeeper.SignedExtension) error
}

// Config says who this node is and whom it asks.
type Config struct {
	// Sidecar answers for this node; NoSidecar when there is none.
	Sidecar Sidecar
	// Consensus is the address of this node's consensus key; empty on a node that does not validate.
	Consensus sdk.ConsAddress
	// Deadline bounds one question to the sidecar.
	Deadline time.Duration
}

// DefaultDeadline is how long a node waits for its sidecar's memory.
const DefaultDeadline = 200 * time.Millisecond

// Handler implements the five ABCI calls around vote extensions.
type Handler struct {
	config      Config
	attestation Attestation
	validators  baseapp.ValidatorStore
	fallback    *baseapp.DefaultProposalHandler
	logger      log.Logger
	// fit remembers whether the sidecar answered last time, so that only changes are logged.
	fit *fitness
}

// NewHandler returns the handlers; fallback selects and checks ordinary transactions.
func NewHandler(config Config, attestation Attestation, validators baseapp.ValidatorStore, fallback *baseapp.DefaultProposalHandler, logger log.Logger) *Handler {
	if config.Sidecar == nil {
		config.Sidecar = NoSidecar{}
	}
	if config.Deadline <= 0 {
		config.Deadline = DefaultDeadline
	}
	return &Handler{
		config: config, attestation: attestation, validators: validators, fallback: fallback,
		logger: logger.With("module", "voteext"), fit: &fitness{},
	}
}

// carries reports whether a block of this height carries the extensions signed at the height before.
func carries(ctx sdk.Context, height int64) bool {
	cp := ctx.ConsensusParams()
	return cp.Abci != nil && cp.Abci.VoteExtensionsEnableHeight != 0 && height > cp.Abci.VoteExtensionsEnableHeight
}
