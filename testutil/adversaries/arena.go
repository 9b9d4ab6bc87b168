// Package adversaries plays cheaters against a whole network in memory and measures what cheating earns.
//
// An Arena is a chain with validators whose sidecars really compute: scores, replays and samples come from the same code
// that trainerd runs, on files that a small table of bytes stands in for the overlay. A Row of the table is one cheat: it
// plays the cheater and, on a fresh arena, an honest account in the same place, and says what each earned, what the
// network showed, and what made the difference.
//
//	go test ./testutil/adversaries            plays every row
//	go test ./testutil/adversaries -update    also writes the table of docs/threat-model.md
//
// The incomes of both are measured over the same blocks. arena.go has the network, compute.go what its sidecars do,
// trainer.go honest trainings, forger.go and liar.go false ones, row.go and table.go the table, rows_*_test.go the cheats.
package adversaries

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	"github.com/pold-network/pold/app"
	"github.com/pold-network/pold/sidecar/api"
	"github.com/pold-network/pold/sidecar/verifier"
	"github.com/pold-network/pold/testutil/network"
	"github.com/pold-network/pold/testutil/sidecars"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// Group is the group that everybody plays in.
const Group = "flowers"

// Config says what differs from a group whose training is proved and whose held-out rows decide.
type Config struct {
	Validators int
	Settings   func(*poltypes.GroupSettings)
	Params     func(*poltypes.Params)
	Attest     func(*attestationtypes.Params)
	Penalties  func(*polslashingtypes.Params)
}

// Arena is a network with one group, real computations, and files.
type Arena struct {
	*network.Network
	T        testing.TB
	Set      *sidecars.Set
	Verifier *verifier.Verifier
	// Files stands in for the overlay: bytes by CID. What is not in it is withheld from everybody.
	Files map[string][]byte
	// Hidden says that a validator can't get a file.
	Hidden func(validator int, cid string) bool
	// Lies replaces what a validator computed, by validator.
	Lies map[int]Lie

	// In is the group that is played in: Group, unless a row opens others.
	In string

	table    []byte
	computed map[string]api.Answer
}

// NewArena starts a network and waits for the training set to be verified.
func NewArena(t testing.TB, c Config) *Arena {
	t.Helper()
	a := &Arena{T: t, Verifier: verifier.New(), Files: map[string][]byte{}, table: flowers(7, 240), In: Group, computed: map[string]api.Answer{},
		Lies: map[int]Lie{}}
	a.Verifier.Add = func(_ context.Context, _ *trainingsettypes.DataManifest, file []byte) (string, error) {
		name, _ := a.Add(file)
		return name, nil
	}
	if c.Validators == 0 {
		c.Validators = 4
	}
	a.Network = network.New(t, network.Config{Validators: c.Validators, Accounts: 12, Balance: 100_000 * nrn, Genesis: a.genesis(c)})
	a.Set = sidecars.Attach(a.Network, nil, nil)
	a.Set.Compute, a.Set.Holds = a.answer, a.holds
	a.Advance(1)
	return a
}

// Add puts a file where everybody can fetch it and returns its name and hash.
func (a *Arena) Add(file []byte) (string, []byte) {
	name, hash := Name(file)
	a.Files[name] = file
	return name, hash
}

// Name returns the content identifier and the SHA-256 of a file.
func Name(file []byte) (string, []byte) {
	hash := sha256.Sum256(file)
	mh, err := multihash.Encode(hash[:], multihash.SHA2_256)
	if err != nil {
		panic(err)
	}
	return cid.NewCidV1(cid.Raw, mh).String(), hash[:]
}

var errHidden = errors.New("nobody gives this file away")

// fetch gets files for one validator.
func (a *Arena) fetch(validator int) verifier.FetchFunc {
	return func(_ context.Context, name string, _ uint64, _ []byte) ([]byte, error) {
		file, ok := a.Files[name]
		if !ok || a.Hidden != nil && a.Hidden(validator, name) {
			return nil, errHidden
		}
		return file, nil
	}
}

// TheGroup returns the group as it is now.
func (a *Arena) TheGroup() poltypes.Group {
	a.T.Helper()
	g, err := a.App.PolKeeper.Groups.Get(a.Ctx(), a.In)
	require.NoError(a.T, err)
	return g
}

// Round returns a round by number; 0 is the current one.
func (a *Arena) Round(number uint64) poltypes.Round {
	if number == 0 {
		number = a.TheGroup().Round
	}
	r, err := a.App.PolKeeper.Rounds.Get(a.Ctx(), collections.Join(a.In, number))
	if err != nil {
		return poltypes.Round{}
	}
	return r
}

// Submission returns what became of an account's checkpoint in a round.
func (a *Arena) Submission(round uint64, trainer network.Account) poltypes.Submission {
	s, err := a.App.PolKeeper.Submissions.Get(a.Ctx(), collections.Join3(a.In, round, trainer.String()))
	if err != nil {
		return poltypes.Submission{}
	}
	return s
}

// Until makes blocks until the current round is in a phase, and checks the books after each.
func (a *Arena) Until(phase poltypes.RoundPhase) poltypes.Round {
	a.T.Helper()
	for range 400 {
		if r := a.Round(0); r.Phase == phase {
			return r
		}
		a.Step()
	}
	a.T.Fatalf("the round did not come to %s; it is %+v", phase, a.Round(0))
	return poltypes.Round{}
}

// Step makes one block and checks the books.
func (a *Arena) Step() {
	a.T.Helper()
	a.Advance(1)
	require.NoError(a.T, a.App.PolKeeper.CheckEscrow(a.Ctx()))
	require.NoError(a.T, a.App.PolKeeper.CheckSupply(a.Ctx()))
}

// RunTo makes blocks up to a height.
func (a *Arena) RunTo(height int64) {
	a.T.Helper()
	for a.Height() < height {
		a.Step()
	}
}

// Balance is what an account owns, in unrn.
func (a *Arena) Balance(account network.Account) math.Int {
	return a.App.BankKeeper.GetBalance(a.Ctx(), account.Address, app.BaseDenom).Amount
}

// Wealth is what accounts own together, with what they have bonded to groups and what open rounds hold of theirs.
func (a *Arena) Wealth(accounts ...network.Account) math.Int {
	a.T.Helper()
	total := math.ZeroInt()
	for _, account := range accounts {
		total = total.Add(a.Balance(account))
		require.NoError(a.T, a.App.PolKeeper.Bonds.Walk(a.Ctx(), nil, func(_ collections.Pair[string, string], b poltypes.GroupBond) (bool, error) {
			if b.Address == account.String() {
				total = total.Add(b.Amount)
			}
			return false, nil
		}))
		require.NoError(a.T, a.App.PolKeeper.Commitments.Walk(a.Ctx(), nil, func(key collections.Triple[string, uint64, string], c poltypes.Commitment) (bool, error) {
			r, err := a.App.PolKeeper.Rounds.Get(a.Ctx(), collections.Join(key.K1(), key.K2()))
			if c.Trainer == account.String() && r.Phase != poltypes.ROUND_PHASE_SETTLED {
				total = total.Add(c.Bond)
			}
			return false, err
		}))
	}
	return total
}

// ValidatorWealth is what a validator owns, with its stake.
func (a *Arena) ValidatorWealth(validator int) math.Int {
	return a.Wealth(a.Validators[validator].Account).Add(a.Stake(validator))
}

// Evidence counts what the chain holds against an address, by kind.
func (a *Arena) Evidence(address string) map[polslashingtypes.FaultKind]int {
	a.T.Helper()
	kinds := map[polslashingtypes.FaultKind]int{}
	require.NoError(a.T, a.App.PolSlashingKeeper.Evidence.Walk(a.Ctx(), nil, func(_ uint64, e polslashingtypes.Evidence) (bool, error) {
		if e.Address == address {
			kinds[e.Kind]++
		}
		return false, nil
	}))
	return kinds
}

// Operator is the address of a validator.
func (a *Arena) Operator(validator int) string { return a.Validators[validator].Operator.String() }

// Stake is the bonded stake of a validator, in unrn.
func (a *Arena) Stake(validator int) math.Int {
	v, err := a.App.StakingKeeper.GetValidator(a.Ctx(), a.Validators[validator].Operator)
	require.NoError(a.T, err)
	return v.GetTokens()
}
