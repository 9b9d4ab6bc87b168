package voteext

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"

	abci "github.com/cometbft/cometbft/abci/types"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/sidecar/api"
	attestationkeeper "github.com/pold-network/pold/x/attestation/keeper"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

var errNoSidecar = errors.New("no sidecar is configured; set sidecar.address in app.toml")

// Extend returns what this validator adds to its precommit. Whatever goes wrong, the answer is an empty extension:
// blocks never depend on learning.
func (h *Handler) Extend() sdk.ExtendVoteHandler {
	return func(ctx sdk.Context, req *abci.RequestExtendVote) (res *abci.ResponseExtendVote, err error) {
		defer func() {
			if r := recover(); r != nil {
				h.logger.Error("extension left empty", "height", req.Height, "panic", r)
				res, err = &abci.ResponseExtendVote{}, nil
			}
		}()
		b, err := h.extension(ctx)
		if h.fit.changed(err) {
			if err != nil {
				h.logger.Warn("extensions are empty: this validator takes no part in attestation", "height", req.Height, "reason", err)
			} else {
				h.logger.Info("sidecar answers: this validator takes part in attestation", "height", req.Height)
			}
		}
		return &abci.ResponseExtendVote{VoteExtension: b}, nil
	}
}

func (h *Handler) extension(ctx sdk.Context) ([]byte, error) {
	if h.config.Consensus.Empty() {
		return nil, errors.New("this node has no consensus key")
	}
	if _, none := h.config.Sidecar.(NoSidecar); none {
		return nil, errNoSidecar
	}
	operator, err := h.attestation.Operator(ctx, h.config.Consensus)
	if err != nil {
		return nil, fmt.Errorf("this node's consensus key belongs to no validator: %w", err)
	}
	duties, err := h.attestation.Duties(ctx, operator)
	if err != nil {
		return nil, err
	}
	deadline, cancel := context.WithTimeout(context.Background(), h.config.Deadline)
	defer cancel()
	answers, err := h.config.Sidecar.Answers(deadline, question(ctx.ChainID(), operator, duties))
	if err != nil {
		return nil, err
	}
	return h.assemble(ctx, operator, duties, answers)
}

// question names the open work of the operator and pins each piece by the hash of its inputs.
func question(chainID, operator string, d attestationkeeper.Duties) *api.AnswersRequest {
	q := &api.AnswersRequest{ChainId: chainID, Operator: operator, Beacon: d.Beacon}
	for _, tasks := range [][]attestationtypes.Task{d.Commit, d.Open} {
		for _, t := range tasks {
			q.Tasks = append(q.Tasks, api.TaskKey{Id: t.Id, ManifestHash: t.ManifestHash})
		}
	}
	for _, a := range d.Hold {
		q.Artefacts = append(q.Artefacts, api.ArtefactKey{Id: a.Id, Sha256: a.Sha256})
	}
	return q
}

// assemble turns answers into witnesses, openings, challenges and the validator's part in the beacon. An answer to nothing
// that was asked is ignored.
func (h *Handler) assemble(ctx sdk.Context, operator string, d attestationkeeper.Duties, res *api.AnswersResponse) ([]byte, error) {
	answers := make(map[uint64]api.Answer, len(res.Answers))
	for _, a := range res.Answers {
		if len(a.Answer) > 0 && len(a.Answer) <= attestationtypes.MaxAnswerSize {
			answers[a.TaskId] = a
		}
	}
	var e attestationtypes.VoteExtension
	for _, t := range d.Commit {
		if a, ok := answers[t.Id]; ok {
			e.Commits = append(e.Commits, attestationtypes.ExtensionCommit{
				TaskId: t.Id, Witness: attestationtypes.WitnessOf(ctx.ChainID(), t.Id, operator, a.Answer), Personal: personal(a),
			})
			e.Challenges = append(e.Challenges, challenges(operator, t, a)...)
		}
	}
	for _, t := range d.Open {
		a, ok := answers[t.Id]
		if !ok {
			continue
		}
		e.Challenges = append(e.Challenges, challenges(operator, t, a)...)
		may, err := h.attestation.MayOpen(ctx, operator, t, a.Answer)
		if err != nil {
			return nil, err
		}
		if may {
			e.Openings = append(e.Openings, attestationtypes.ExtensionOpening{TaskId: t.Id, Answer: a.Answer})
		}
	}
	e.Held = heldOf(d, res)
	if d.Beacon != 0 && len(res.BeaconSecret) == attestationtypes.SecretSize {
		if d.Reveal {
			e.BeaconReveal = &attestationtypes.BeaconReveal{Number: d.Beacon, Secret: res.BeaconSecret}
		} else {
			commit := attestationtypes.BeaconCommitOf(ctx.ChainID(), d.Beacon, operator, res.BeaconSecret)
			e.BeaconCommit = &attestationtypes.BeaconCommit{Number: d.Beacon, Commit: commit}
		}
	}
	return attestationtypes.EncodeExtension(e)
}

// personal returns the personal value of an answer, nothing when it is none.
func personal(a api.Answer) []byte {
	if len(a.Personal) != sha256.Size {
		return nil
	}
	return a.Personal
}

// challenges returns those of an answer that the chain has not recorded yet, each segment once.
func challenges(operator string, t attestationtypes.Task, a api.Answer) []attestationtypes.ExtensionChallenge {
	known := map[uint32]bool{}
	for _, c := range t.Challenges {
		if c.Operator == operator {
			known[c.Segment] = true
		}
	}
	var list []attestationtypes.ExtensionChallenge
	for _, segment := range a.Challenges {
		if !known[segment] && segment < attestationtypes.MaxChallengedSegment {
			known[segment] = true
			list = append(list, attestationtypes.ExtensionChallenge{TaskId: t.Id, Segment: segment})
		}
	}
	return list
}

// heldOf returns the asked artefacts that the sidecar holds, each once.
func heldOf(d attestationkeeper.Duties, res *api.AnswersResponse) []uint64 {
	asked := make(map[uint64]bool, len(d.Hold))
	for _, a := range d.Hold {
		asked[a.Id] = true
	}
	var held []uint64
	for _, id := range res.Held {
		if asked[id] {
			held = append(held, id)
			asked[id] = false
		}
	}
	return held
}

// Verify checks shape and size only: it must say the same on every node, whatever its sidecar or state.
func (h *Handler) Verify() sdk.VerifyVoteExtensionHandler {
	return func(_ sdk.Context, req *abci.RequestVerifyVoteExtension) (*abci.ResponseVerifyVoteExtension, error) {
		status := abci.ResponseVerifyVoteExtension_ACCEPT
		if _, err := attestationtypes.DecodeExtension(req.VoteExtension); err != nil {
			status = abci.ResponseVerifyVoteExtension_REJECT
		}
		return &abci.ResponseVerifyVoteExtension{Status: status}, nil
	}
}

// fitness remembers the last outcome of asking the sidecar.
type fitness struct {
	mu      sync.Mutex
	known   bool
	problem string
}

// changed reports whether the outcome differs from the last one.
func (f *fitness) changed(err error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	problem := ""
	if err != nil {
		problem = err.Error()
	}
	changed := !f.known || f.problem != problem
	f.known, f.problem = true, problem
	return changed
}
