package adversaries

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/sealed"
	"github.com/pold-network/pold/testutil/network"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
)

const (
	queryBatches = "pold q pol batches"
	providerBond = 40 * nrn
)

// sealedRows are cheats of those who provide hidden evaluation rows, accounts 8 and 9.
func sealedRows() []Row {
	return []Row{
		{Name: "provider: withholds its key", Stops: "provider bond", Query: queryBatches, Play: withheldKey(1)},
		{Name: "provider: withholds its key, another reveals its own", Stops: "provider bond", Query: queryBatches, Play: withheldKey(2)},
		{Name: "provider: seals with another key than the one committed to", Stops: "provider bond", Query: queryBatches, Play: falseKey},
		{Name: "provider: withholds its key, its own idle accounts take from the bond", Stops: "provider bond", Query: queryBatches, Play: regainedBond},
		{Name: "trains on sealed rows that a provider leaked, training proved", Stops: "bond (replay)", Query: "trainerd replay", Play: leakedProved},
		{Name: "trains on sealed rows that a provider leaked, result scored", Stops: "nothing; several providers make it dearer", Query: querySubmissions, Verdict: Priced, Play: leakedScored},
	}
}

// vault is a sealed batch with its key.
type vault struct {
	provider network.Account
	table    []byte
	key      []byte
}

func sealedGroup(providers int, proof poltypes.ProofMode) Config {
	return Config{Settings: func(s *poltypes.GroupSettings) {
		s.Evaluation, s.Proof = poltypes.EVALUATION_MODE_SEALED, proof
		if proof == poltypes.PROOF_MODE_SCORED {
			s.Segments, s.Recipe = 0, poltypes.RecipeBounds{}
		}
		for i := range providers {
			s.Providers = append(s.Providers, network.AccountAddress(9-i))
		}
	}}
}

// provide hands in the batch of a provider for round 1; wrongKey commits to a key that does not open it.
func (a *Arena) provide(provider int, wrongKey bool) vault {
	a.T.Helper()
	key := sha256.Sum256([]byte{byte(provider)})
	v := vault{provider: a.Accounts[provider], table: flowers(uint32(100+provider), 60), key: key[:]}
	file, err := sealed.Seal(v.table, v.key)
	require.NoError(a.T, err)
	if wrongKey {
		v.key = bytes.Repeat([]byte{1}, sealed.KeySize)
	}
	b := poltypes.SealedBatchInfo{Round: 1, Size_: uint64(len(file)), Rows: 60}
	b.Cid, b.Sha256 = a.Add(file)
	table, keyHash := sha256.Sum256(v.table), sha256.Sum256(v.key)
	b.TableSha256, b.KeyHash = table[:], keyHash[:]
	a.Sent(v.provider, &poltypes.MsgProvideBatches{Sender: v.provider.String(), Group: Group, Batches: []poltypes.SealedBatchInfo{b}, Bond: math.NewInt(providerBond)})
	return v
}

func (a *Arena) showKey(v vault) {
	a.T.Helper()
	a.Sent(v.provider, &poltypes.MsgRevealBatchKey{Sender: v.provider.String(), Group: Group, Round: 1, Key: v.key})
}

// rows are the rows of a batch as the engine reads them.
func (v vault) rows(t testing.TB) *engine.Data {
	t.Helper()
	table, err := dataset.Parse(bytes.NewReader(v.table))
	require.NoError(t, err)
	x, _, err := table.Numeric(1)
	require.NoError(t, err)
	labels, err := table.Labels(3)
	require.NoError(t, err)
	return &engine.Data{Features: table.Columns() - 1, Targets: 1, X: x, Labels: labels}
}

// sealedTrial plays round 1: enter gives what is handed in beside an honest account's checkpoint, keys reveals in the key phase.
func (a *Arena) sealedTrial(enter func() []*Entry, keys func()) {
	a.T.Helper()
	a.Until(poltypes.ROUND_PHASE_COMMIT)
	entries := []*Entry{a.Train(a.Accounts[1], nil)}
	if enter != nil {
		entries = append(entries, enter()...)
	}
	a.Commit(entries...)
	a.Until(poltypes.ROUND_PHASE_REVEAL)
	a.Reveal(entries...)
	a.Until(poltypes.ROUND_PHASE_KEY)
	if keys != nil {
		keys()
	}
	a.RunTo(trialEnd)
	require.Equal(a.T, poltypes.ROUND_PHASE_SETTLED, a.Round(1).Phase, a.Round(1).Note)
}

// failed is what a provider sees whose batch failed; its bond went to the one honest candidate.
func (a *Arena) failed(v vault, before math.Int) Outcome {
	a.T.Helper()
	income := a.Wealth(v.provider).Sub(before)
	require.Equal(a.T, math.NewInt(-providerBond), income)
	require.Equal(a.T, map[polslashingtypes.FaultKind]int{polslashingtypes.FAULT_KIND_SEALED_KEY: 1}, a.Evidence(v.provider.String()))
	require.Contains(a.T, a.Round(1).Note, "mints nothing")
	require.True(a.T, a.Round(1).Reward.IsZero())
	return Outcome{Honest: math.ZeroInt(), Cheater: income, Saw: a.saw("FAILED", v.provider.String())}
}

func withheldKey(providers int) func(testing.TB, *Honest) Outcome {
	return func(t testing.TB, _ *Honest) Outcome {
		a := NewArena(t, sealedGroup(providers, poltypes.PROOF_MODE_SCORED))
		before, trainer := a.Wealth(a.Accounts[9]), a.Wealth(a.Accounts[1])
		v := a.provide(9, false)
		var reveal func()
		if providers == 2 {
			other := a.provide(8, false)
			reveal = func() { a.showKey(other) }
		}
		a.sealedTrial(nil, reveal)
		require.Equal(t, math.NewInt(providerBond), a.Wealth(a.Accounts[1]).Sub(trainer), "the candidate gets the bond, once")
		if providers == 2 {
			require.Empty(t, a.Evidence(a.Accounts[8].String()))
			a.Sent(a.Accounts[8], &poltypes.MsgWithdrawProviderBond{Sender: a.Accounts[8].String(), Group: Group})
		}
		return a.failed(v, before)
	}
}

func falseKey(t testing.TB, _ *Honest) Outcome {
	a := NewArena(t, sealedGroup(1, poltypes.PROOF_MODE_SCORED))
	before := a.Wealth(a.Accounts[9])
	v := a.provide(9, true)
	a.sealedTrial(nil, func() { a.showKey(v) })
	return a.failed(v, before)
}

// regainedBond shares the bond among accounts of the provider that handed in nudged copies of the parent: their claims are exact, and
// nobody can rank them without the rows.
func regainedBond(t testing.TB, _ *Honest) Outcome {
	a := NewArena(t, sealedGroup(1, poltypes.PROOF_MODE_SCORED))
	person := []network.Account{a.Accounts[9], a.Accounts[0], a.Accounts[2], a.Accounts[3]}
	before := a.Wealth(person...)
	v := a.provide(9, false)
	a.sealedTrial(func() []*Entry {
		var idle []*Entry
		for i, account := range person[1:] {
			file := a.Start(account).Encode()
			file[len(file)-4*(i+1)] ^= 1
			idle = append(idle, a.Enter(account, file, nil))
		}
		return idle
	}, nil)
	return Outcome{Honest: math.ZeroInt(), Cheater: a.Wealth(person...).Sub(before), Saw: a.saw("FAILED", v.provider.String())}
}

func leakedProved(t testing.TB, _ *Honest) Outcome {
	play := func(enter func(a *Arena, v vault) *Entry) (*Arena, math.Int) {
		a := NewArena(t, sealedGroup(1, poltypes.PROOF_MODE_PROVED))
		before := a.Wealth(a.Accounts[0])
		v := a.provide(9, false)
		a.Until(poltypes.ROUND_PHASE_COMMIT)
		rival, own := a.Train(a.Accounts[1], Lazy), enter(a, v)
		a.Commit(rival, own)
		a.Until(poltypes.ROUND_PHASE_REVEAL)
		a.Reveal(rival, own)
		a.Until(poltypes.ROUND_PHASE_KEY)
		a.showKey(v)
		a.RunTo(trialEnd)
		return a, a.Wealth(a.Accounts[0]).Sub(before)
	}
	a, honest := play(func(a *Arena, _ vault) *Entry { return a.Train(a.Accounts[0], nil) })
	require.Equal(t, a.Accounts[0].String(), a.Round(1).Winner, a.Round(1).Note)
	a, income := play(func(a *Arena, v vault) *Entry {
		return a.Forge(a.Accounts[0], a.OtherRows(joined(a.Rows().Training, v.rows(t))))
	})
	s := a.Submission(1, a.Accounts[0])
	require.Equal(t, poltypes.SUBMISSION_STATUS_UNPROVED, s.Status, s.Note)
	return Outcome{Honest: honest, Cheater: income, Saw: a.sawEntry(a.Accounts[0])}
}

// leakedScored is a friend of the provider that would have lost against an account that trains for longer.
func leakedScored(t testing.TB, _ *Honest) Outcome {
	play := func(enter func(a *Arena, v vault) *Entry) (*Arena, math.Int) {
		a := NewArena(t, sealedGroup(1, poltypes.PROOF_MODE_SCORED))
		before := a.Wealth(a.Accounts[0])
		v := a.provide(9, false)
		a.sealedTrial(func() []*Entry {
			return []*Entry{a.Enter(a.Accounts[2], a.Overtrained(a.Accounts[2], a.Rows().Training), nil), enter(a, v)}
		}, func() { a.showKey(v) })
		return a, a.Wealth(a.Accounts[0]).Sub(before)
	}
	a, honest := play(func(a *Arena, _ vault) *Entry { return a.Train(a.Accounts[0], nil) })
	require.Equal(t, a.Accounts[2].String(), a.Round(1).Winner, a.Round(1).Note)
	a, income := play(func(a *Arena, v vault) *Entry {
		return a.Enter(a.Accounts[0], a.Overtrained(a.Accounts[0], v.rows(t)), nil)
	})
	require.Equal(t, a.Accounts[0].String(), a.Round(1).Winner, a.Round(1).Note)
	return Outcome{Honest: honest, Cheater: income, Saw: a.sawEntry(a.Accounts[0])}
}
