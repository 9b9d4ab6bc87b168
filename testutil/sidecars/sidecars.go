// Package sidecars gives every validator of a network in memory a sidecar of its own. Each validator runs the real
// code that turns answers into an extension (app/voteext) and the real chain carries, checks and tallies it; only the
// computing is replaced, by a function.
//
//	n := network.New(t, network.Config{Validators: 4, Genesis: sidecars.Genesis(nil)})
//	set := sidecars.Attach(n, func(validator int, task attestationtypes.Task) []byte { return answer }, nil)
//	set.Offline[3] = true
//	n.Advance(10)
//
// A function that is nil, or an answer that is nil, means not done yet. Compute takes the place of all functions about tasks,
// for tests whose sidecars really compute. To forge an extension, wrap n.Extend.
package sidecars

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"

	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/codec"

	"github.com/pold-network/pold/app/voteext"
	"github.com/pold-network/pold/sidecar/api"
	"github.com/pold-network/pold/testutil/network"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

// Oracle returns what a validator has computed for a task, nil when it is not done yet. It is asked again in
// every block in which the answer matters.
type Oracle func(validator int, task attestationtypes.Task) []byte

// Holds says whether a validator holds all bytes of an artefact.
type Holds func(validator int, artefact attestationtypes.Artefact) bool

// Set is the sidecars of a network. Its fields may change between blocks.
type Set struct {
	Oracle Oracle
	Holds  Holds
	// Compute, unless nil, replaces Oracle, Personal and Challenges: it returns all that a validator says about a task for an
	// operator, spot tasks included, and false when it is not done yet.
	Compute func(validator int, operator string, task attestationtypes.Task) (api.Answer, bool)
	// Personal returns the values of an operator's own sample of a task, as a validator computes them; nil means that they are
	// the validator's answer. Spot tasks are answered from it.
	Personal func(validator int, task attestationtypes.Task, answer []byte, operator string) []byte
	// Challenges returns the segments that a validator finds wrong in its own sample of an audit.
	Challenges func(validator int, task attestationtypes.Task) []uint32
	// Secret returns a validator's beacon secret; nil means one that follows from validator and number.
	Secret func(validator int, number uint64) []byte
	// Offline validators have a sidecar that does not answer: they sign empty extensions.
	Offline []bool

	network  *network.Network
	handlers []*voteext.Handler
}

// Attach gives each validator of the network a sidecar: it sets n.Extend. A nil oracle answers nothing, nil holds
// means that everybody holds everything.
func Attach(n *network.Network, oracle Oracle, holds Holds) *Set {
	s := &Set{Oracle: oracle, Holds: holds, Offline: make([]bool, len(n.Validators)), network: n}
	for i, validator := range n.Validators {
		config := voteext.Config{Sidecar: sidecar{set: s, validator: i}, Consensus: validator.ConsAddr, Deadline: time.Minute}
		s.handlers = append(s.handlers, voteext.NewHandler(config, n.App.AttestationKeeper, n.App.StakingKeeper, nil, log.NewNopLogger()))
	}
	n.Extend = s.Extend
	return s
}

// Extend returns the extension that a validator signs at the height after the last block.
func (s *Set) Extend(validator int, height int64) []byte {
	if s.network.App.LastBlockHeight() == 0 {
		return nil // the first state can't be read before its block
	}
	ctx := s.network.Ctx()
	response, err := s.handlers[validator].Extend()(ctx, &abci.RequestExtendVote{Height: height})
	if err != nil {
		panic(err) // Extend never returns an error
	}
	return response.VoteExtension
}

// sidecar answers for one validator.
type sidecar struct {
	set       *Set
	validator int
}

var errOffline = errors.New("this sidecar is offline")

// Answers asks the functions of the set about each open task and artefact.
func (c sidecar) Answers(_ context.Context, request *api.AnswersRequest) (*api.AnswersResponse, error) {
	if c.set.Offline[c.validator] {
		return nil, errOffline
	}
	ctx, keeper := c.set.network.Ctx(), c.set.network.App.AttestationKeeper
	response := &api.AnswersResponse{}
	if request.Beacon != 0 {
		response.BeaconSecret = c.set.secret(c.validator, request.Beacon)
	}
	for _, key := range request.Tasks {
		task, err := keeper.Tasks.Get(ctx, key.Id)
		if err != nil {
			return nil, err
		}
		answer, err := c.answer(request.Operator, task)
		if err != nil {
			return nil, err
		}
		if answer.Answer != nil {
			response.Answers = append(response.Answers, answer)
		}
	}
	for _, key := range request.Artefacts {
		artefact, err := keeper.Artefacts.Get(ctx, key.Id)
		if err != nil {
			return nil, err
		}
		if c.set.Holds == nil || c.set.Holds(c.validator, artefact) {
			response.Held = append(response.Held, artefact.Id)
		}
	}
	return response, nil
}

// answer computes a task, with the personal value of the operator and its challenges.
func (c sidecar) answer(operator string, task attestationtypes.Task) (api.Answer, error) {
	a := api.Answer{TaskId: task.Id}
	if c.set.Compute != nil {
		if done, ok := c.set.Compute(c.validator, operator, task); ok {
			a = done
			a.TaskId = task.Id
		}
		return a, nil
	}
	if task.Kind == attestationtypes.SpotTaskKind {
		var m attestationtypes.SpotManifest
		if err := m.Unmarshal(task.Manifest); err != nil {
			return a, err
		}
		hash := sha256.Sum256(m.Manifest)
		of := attestationtypes.Task{Id: m.TaskId, Kind: m.Kind, Manifest: m.Manifest, ManifestHash: hash[:]}
		if c.set.Oracle != nil {
			if answer := c.set.Oracle(c.validator, of); answer != nil {
				a.Answer = c.set.personal(c.validator, of, answer, m.Operator)
			}
		}
		return a, nil
	}
	if c.set.Oracle == nil {
		return a, nil
	}
	if a.Answer = c.set.Oracle(c.validator, task); a.Answer == nil {
		return a, nil
	}
	a.Personal = c.set.personal(c.validator, task, a.Answer, operator)
	if c.set.Challenges != nil {
		a.Challenges = c.set.Challenges(c.validator, task)
	}
	return a, nil
}

func (s *Set) personal(validator int, task attestationtypes.Task, answer []byte, operator string) []byte {
	values := answer
	if s.Personal != nil {
		values = s.Personal(validator, task, answer, operator)
	}
	return attestationtypes.PersonalOf(s.network.Ctx().ChainID(), task.Id, operator, values)
}

func (s *Set) secret(validator int, number uint64) []byte {
	if s.Secret != nil {
		return s.Secret(validator, number)
	}
	secret := sha256.Sum256(fmt.Appendf(nil, "secret of validator %d for number %d", validator, number))
	return secret[:]
}

// Genesis returns a change of the first state under which a few validators agree within a few blocks: two thirds of
// them must be live, and windows have their least length. A further change of the parameters may be given.
func Genesis(change func(*attestationtypes.Params)) func(codec.JSONCodec, map[string]json.RawMessage) {
	return func(cdc codec.JSONCodec, state map[string]json.RawMessage) {
		var genesis attestationtypes.GenesisState
		cdc.MustUnmarshalJSON(state[attestationtypes.ModuleName], &genesis)
		p := &genesis.Params
		p.MinLiveValidators = 0
		p.LiveWindow = attestationtypes.MinWindow
		p.CommitWindow, p.OpenWindow, p.AvailabilityWindow = attestationtypes.MinWindow, attestationtypes.MinWindow, attestationtypes.MinWindow
		p.BeaconWindow = attestationtypes.MinWindow
		if change != nil {
			change(p)
		}
		state[attestationtypes.ModuleName] = cdc.MustMarshalJSON(&genesis)
	}
}
