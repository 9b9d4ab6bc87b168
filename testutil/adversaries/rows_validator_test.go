package adversaries

import (
	"fmt"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pold-network/pold/sidecar/api"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
)

const queryRecord = "pold q polslashing record"

// validatorRows are cheats of one validator of four, over several rounds.
func validatorRows() []Row {
	const ladder = "stake, jail"
	short := Config{Penalties: func(p *polslashingtypes.Params) { p.MissedWindow, p.MissedTasks = 4, 1 }}
	const wrong, missed, conduct = polslashingtypes.FAULT_KIND_WRONG_ANSWER, polslashingtypes.FAULT_KIND_MISSED_TASKS, polslashingtypes.FAULT_KIND_CONDUCT
	return []Row{
		{Name: "validator: copies another's witnesses", Stops: ladder, Query: queryRecord, Play: alone(Config{}, copyWitnesses, wrong)},
		{Name: "validator: answers a constant", Stops: ladder, Query: queryRecord, Play: alone(Config{}, lie(Constant), wrong)},
		{Name: "validator: abstains always", Stops: "no share, jail", Query: queryRecord, Play: alone(short, lie(Silent), missed)},
		{Name: "validator: waits for openings and copies them", Stops: "no share, jail", Query: queryRecord, Play: alone(short, func(a *Arena) { a.Lies[cheater] = a.Opened }, missed)},
		{Name: "validator: has the answer from a friend, not the personal value (each task spotted)", Stops: ladder, Query: queryRecord, Play: spotted},
		{Name: "validator: forges the loss of a friend, alone (25 % of power)", Stops: ladder, Query: queryRecord, Play: alone(Config{}, forgeLoss, wrong)},
		{Name: "validator: commits to a guess, later to the answer", Stops: ladder, Query: queryRecord, Play: alone(Config{}, secondWitness, wrong, conduct)},
		{Name: "validator: signs malformed extensions", Stops: "no share", Query: "pold q attestation live", Play: unheard(malformed)},
		{Name: "validator: signs oversized extensions", Stops: "no share", Query: "pold q attestation live", Play: unheard(oversized)},
		{Name: "proposer: drops the votes of one validator", Stops: "windows of 10 heights", Query: "pold q attestation witnesses", Verdict: GainsNothing, Play: dropVotes},
		{Name: "validator: withholds its secret from every beacon", Stops: "reputation; it delays its own rounds too", Query: queryRecord, Play: withheldSecret},
		{Name: "validator: earns a good name, then lies about one task", Stops: "no share, reputation", Query: "pold q reputation explain", Play: oneBigLie},
		{Name: "validator: keeps no file, and fetches what it has to compute", Stops: "reputation", Query: "pold q reputation explain", Play: noFiles},
	}
}

// alone plays a validator that cheats.
func alone(c Config, cheat func(*Arena), want ...polslashingtypes.FaultKind) func(testing.TB, *Honest) Outcome {
	return func(t testing.TB, h *Honest) Outcome {
		a, income := season(t, c, seasonEnd, cheat)
		operator := a.Operator(cheater)
		for _, kind := range want {
			require.Positive(t, a.Evidence(operator)[kind], kind.String())
		}
		v, err := a.App.StakingKeeper.GetValidator(a.Ctx(), a.Validators[cheater].Operator)
		require.NoError(t, err)
		require.True(t, v.Jailed)
		require.Positive(t, a.TheGroup().Wins, "the others went on")
		for i := range cheater {
			require.Empty(t, a.Evidence(a.Operator(i)), "nobody else is blamed")
		}
		return Outcome{Honest: h.Season, Cheater: income, Saw: a.saw("JAILED", operator)}
	}
}

// spotted looks into one validator after every task; by default it is one task in ten.
func spotted(t testing.TB, _ *Honest) Outcome {
	always := Config{Attest: func(p *attestationtypes.Params) { p.SpotE6 = 1_000_000 }}
	const until = 2 * seasonEnd
	_, honest := season(t, always, until, nil)
	a, income := season(t, always, until, lie(Leaked))
	operator := a.Operator(cheater)
	require.Greater(t, a.Evidence(operator)[polslashingtypes.FAULT_KIND_WRONG_PERSONAL], 1)
	return Outcome{Honest: honest, Cheater: income, Saw: a.saw("", operator)}
}

func lie(l Lie) func(*Arena) { return func(a *Arena) { a.Lies[cheater] = l } }

func copyWitnesses(a *Arena) {
	a.Alter(cheater, func(height int64, e *attestationtypes.VoteExtension) {
		others, err := attestationtypes.DecodeExtension(a.Set.Extend(0, height))
		require.NoError(a.T, err)
		e.Commits, e.Openings = others.Commits, nil
	})
}

func forgeLoss(a *Arena) { a.Lies[cheater] = OneLower }

func secondWitness(a *Arena) {
	seen := map[uint64]bool{}
	a.Alter(cheater, func(height int64, e *attestationtypes.VoteExtension) {
		for i, c := range e.Commits {
			if !seen[c.TaskId] {
				seen[c.TaskId] = true
				e.Commits[i].Witness = make([]byte, 32)
			}
		}
	})
	// The window of a task closes early when all have committed, so another validator takes its time.
	first := map[uint64]int64{}
	a.Alter(0, func(height int64, e *attestationtypes.VoteExtension) {
		var late []attestationtypes.ExtensionCommit
		for _, c := range e.Commits {
			if first[c.TaskId] == 0 {
				first[c.TaskId] = height
			}
			if height > first[c.TaskId]+2 {
				late = append(late, c)
			}
		}
		e.Commits = late
	})
}

// unheard plays a validator whose votes arrive with extensions that nobody takes.
func unheard(extension func() []byte) func(testing.TB, *Honest) Outcome {
	return func(t testing.TB, h *Honest) Outcome {
		a, income := season(t, Config{}, seasonEnd, func(a *Arena) {
			inner := a.Extend
			a.SkipVerify = true // the votes come late, so that only the proposer looks at them
			a.Extend = func(v int, height int64) []byte {
				if v == cheater {
					return extension()
				}
				return inner(v, height)
			}
		})
		require.Greater(t, a.TheGroup().Round, uint64(2), "the others went on")
		live, required, err := a.App.AttestationKeeper.LiveState(a.Ctx())
		require.NoError(t, err)
		require.Equal(t, 3, live)
		require.Equal(t, 3, required)
		return Outcome{Honest: h.Season, Cheater: income, Saw: "3 of 4 live"}
	}
}

func malformed() []byte {
	return protowire.AppendBytes(protowire.AppendTag([]byte{8, 1}, 99, protowire.BytesType), []byte("hidden"))
}

func oversized() []byte { return make([]byte, attestationtypes.MaxExtensionSize+1) }

func dropVotes(t testing.TB, h *Honest) Outcome {
	const proposer, victim = 1, 0
	var before [2]int64
	wealth := func(a *Arena) [2]int64 {
		return [2]int64{a.ValidatorWealth(proposer).Int64(), a.ValidatorWealth(victim).Int64()}
	}
	dropped := 0
	a, _ := season(t, Config{}, seasonEnd, func(a *Arena) {
		before = wealth(a)
		a.AlterProposal = func(height int64, txs [][]byte) [][]byte {
			if height%4 != proposer {
				return txs
			}
			var commit abci.ExtendedCommitInfo
			require.NoError(t, commit.Unmarshal(txs[0]))
			for i := range commit.Votes {
				if string(commit.Votes[i].Validator.Address) == string(a.Validators[victim].ConsAddr) {
					commit.Votes[i] = abci.ExtendedVoteInfo{Validator: commit.Votes[i].Validator, BlockIdFlag: cmtproto.BlockIDFlagAbsent}
					dropped++
				}
			}
			b, err := commit.Marshal()
			require.NoError(t, err)
			return append([][]byte{b}, txs[1:]...)
		}
	})
	require.Positive(t, dropped)
	after := wealth(a)
	require.Equal(t, after[0]-before[0], after[1]-before[1], "the victim is paid as the proposer is")
	return Outcome{Honest: h.Season, Cheater: a.ValidatorWealth(proposer).SubRaw(before[0]), Saw: "all four witnesses"}
}

func withheldSecret(t testing.TB, h *Honest) Outcome {
	a, income := season(t, Config{}, seasonEnd, func(a *Arena) {
		a.Alter(cheater, func(_ int64, e *attestationtypes.VoteExtension) { e.BeaconReveal = nil })
	})
	operator := a.Operator(cheater)
	require.Positive(t, a.Evidence(operator)[polslashingtypes.FAULT_KIND_BEACON])
	require.Less(t, a.factor(cheater), a.factor(0))
	return Outcome{Honest: h.Season, Cheater: income, Saw: a.saw("", operator)}
}

func oneBigLie(t testing.TB, h *Honest) Outcome {
	var lied uint64
	var before uint64
	a, income := season(t, Config{}, seasonEnd, func(a *Arena) {
		a.Lies[cheater] = func(task attestationtypes.Task, answer api.Answer, done bool) (api.Answer, bool) {
			ref, err := poltypes.DecodeSubmissionRef(task.Ref)
			if task.Kind != poltypes.ScoreTaskKind || err != nil || ref.Trainer == "" || ref.Round < 4 || lied != 0 && lied != task.Id {
				return answer, done
			}
			if lied == 0 {
				lied, before = task.Id, a.factor(cheater)
			}
			return Constant(task, answer, done)
		}
	})
	operator := a.Operator(cheater)
	require.Equal(t, map[polslashingtypes.FaultKind]int{polslashingtypes.FAULT_KIND_WRONG_ANSWER: 1}, a.Evidence(operator))
	after := a.factor(cheater)
	require.Less(t, after, before)
	return Outcome{Honest: h.Season, Cheater: income, Saw: fmt.Sprintf("%s, vote factor %.2f → %.2f", a.saw("", operator), float64(before)/1e6, float64(after)/1e6)}
}

// noFiles plays a validator that has files only while it computes, in a group that gets store tasks as often as may be.
func noFiles(t testing.TB, h *Honest) Outcome {
	often := Config{Params: func(p *poltypes.Params) { p.StoreIntervalBlocks = attestationtypes.MinWindow }}
	a, income := season(t, often, seasonEnd, func(a *Arena) {
		a.Lies[cheater] = NoChunks
		a.Set.Holds = func(validator int, x attestationtypes.Artefact) bool {
			return validator != cheater && a.holds(validator, x)
		}
	})
	produced := 0
	require.NoError(t, a.App.AttestationKeeper.Tasks.Walk(a.Ctx(), nil, func(_ uint64, task attestationtypes.Task) (bool, error) {
		if task.Kind == poltypes.StoreTaskKind && task.Status == attestationtypes.TASK_STATUS_SETTLED {
			produced++
			require.Len(t, task.Matched, 3)
		}
		return false, nil
	}))
	require.Greater(t, produced, 3)
	storage := func(validator int) float64 {
		score, _, err := a.App.ReputationKeeper.Score(a.Ctx(), a.Operator(validator))
		require.NoError(t, err)
		return float64(score.StorageE9) / 1e9
	}
	require.Less(t, storage(cheater), 0.5, "less than a newcomer has")
	require.Less(t, a.factor(cheater), a.factor(0))
	for i := range cheater {
		require.Greater(t, storage(i), 0.5)
	}
	require.Empty(t, a.Evidence(a.Operator(cheater)), "it costs no stake, and is no missed task besides")
	return Outcome{Honest: h.Season, Cheater: income, Saw: fmt.Sprintf("storage part %.2f, vote factor %.3f; the others %.2f and %.3f",
		storage(cheater), float64(a.factor(cheater))/1e6, storage(0), float64(a.factor(0))/1e6)}
}

// factor is the weight of a validator's vote beside its power, in millionths.
func (a *Arena) factor(validator int) uint64 {
	f, err := a.App.ReputationKeeper.FactorE6(a.Ctx(), a.Operator(validator))
	require.NoError(a.T, err)
	return f
}
