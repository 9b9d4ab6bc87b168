package simulation

import (
	"crypto/sha256"
	"fmt"
	"slices"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/testutil/sidecars"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// attach gives the validators their sidecars and the proposers their habits.
func (s *Simulation) attach() {
	s.set = sidecars.Attach(s.Network, s.answer, s.holds)
	s.set.Personal, s.set.Challenges, s.set.Secret = s.personal, s.challenges, s.secret
	s.Absent = func(validator int, height int64) bool {
		return s.chance(15, "absent", height) && int(s.roll("who", height)%uint64(len(powers))) == validator && s.bonded >= 500
	}
	s.AlterCommit = s.dropVote
	s.AlterProposal = func(height int64, txs [][]byte) [][]byte {
		if s.chance(3, "bad proposal", height) {
			return txs[:0]
		}
		return txs
	}
}

// dropVote lets a proposer leave out a vote while more than two thirds of power remain.
func (s *Simulation) dropVote(height int64, commit *abci.ExtendedCommitInfo) {
	if len(commit.Votes) == 0 || !s.chance(30, "drop", height) {
		return
	}
	var all, present int64
	for _, v := range commit.Votes {
		all += v.Validator.Power
		if v.BlockIdFlag == cmtproto.BlockIDFlagCommit {
			present += v.Validator.Power
		}
	}
	v := &commit.Votes[s.roll("dropped", height)%uint64(len(commit.Votes))]
	if v.BlockIdFlag != cmtproto.BlockIDFlagCommit || 3*(present-v.Validator.Power) <= 2*all {
		return
	}
	v.BlockIdFlag, v.VoteExtension, v.ExtensionSignature = cmtproto.BlockIDFlagAbsent, nil, nil
	s.Seen["vote dropped"]++
}

// liar gives a chance that is larger for the validators that lie.
func liar(validator int, lies, others uint64) uint64 {
	if validator >= firstLiar {
		return lies
	}
	return others
}

// answer is what a validator has computed: the truth, something else, nothing, or nothing yet.
func (s *Simulation) answer(validator int, task attestationtypes.Task) []byte {
	if s.chance(liar(validator, 25, 5), "silent", validator, task.Id) {
		return nil
	}
	if task.OpenedHeight > 0 && s.Height() < task.OpenedHeight+int64(s.roll("slow", validator, task.Id)%5) {
		return nil
	}
	truth := s.truth(task)
	if s.chance(liar(validator, 20, 1), "wrong", validator, task.Id) {
		truth[len(truth)-1]++ // the digest: what was not computed can't be known
	}
	return truth
}

func (s *Simulation) truth(task attestationtypes.Task) []byte {
	digest := sha256.Sum256(task.ManifestHash)
	switch task.Kind {
	case trainingsettypes.DataTaskKind:
		var m trainingsettypes.DataManifest
		require.NoError(s.t, m.Unmarshal(task.Manifest))
		if m.Delta != nil {
			return s.apply(task, m).Encode()
		}
		t := m.Table
		return trainingsettypes.DataAnswer{Rows: t.Rows, Columns: t.Columns, Root: [32]byte(t.Root), Digest: digest}.Encode()
	case poltypes.ScoreTaskKind:
		var m poltypes.ScoreManifest
		require.NoError(s.t, m.Unmarshal(task.Manifest))
		f := file{loss: initialLoss}
		if m.CheckpointCid != "" {
			f = s.files[string(m.CheckpointHash)]
		}
		a := poltypes.ScoreAnswer{Status: f.status, Digest: digest}
		if f.status == poltypes.ScoreValid {
			a.ClaimLossE9, a.RankLossE9, a.MetricE9 = f.loss, f.loss, 900_000_000
			if m.Evaluation != poltypes.EVALUATION_MODE_TRAINING_SET {
				a.RankLossE9 += s.roll("ranking", m.CheckpointHash) % 20_000_000
			}
			if bad := slices.IndexFunc(m.Batches, func(b poltypes.SealedBatch) bool { return s.files[string(b.Sha256)].bad }); bad >= 0 {
				a = poltypes.ScoreAnswer{Status: poltypes.ScoreBadBatch, ClaimLossE9: f.loss, MetricE9: uint64(bad), Digest: digest}
			}
		}
		return a.Encode()
	case poltypes.StoreTaskKind:
		var m poltypes.StoreManifest
		require.NoError(s.t, m.Unmarshal(task.Manifest))
		require.NoError(s.t, m.Validate())
		return digest[:]
	case poltypes.AuditTaskKind:
		var m poltypes.AuditManifest
		require.NoError(s.t, m.Unmarshal(task.Manifest))
		a := poltypes.AuditAnswer{Digest: digest}
		if forged := s.files[string(m.TranscriptRoot)].forged; slices.Contains(m.Common, uint32(forged)) {
			a.Status, a.Segment = poltypes.AuditMismatch, uint32(forged)
		}
		return a.Encode()
	}
	s.t.Fatalf("task %d: nobody knows how to compute kind %q", task.Id, task.Kind)
	return nil
}

// personal is the validator's own sample; some only copied an answer and guess it.
func (s *Simulation) personal(validator int, task attestationtypes.Task, answer []byte, operator string) []byte {
	if operator == s.operator(validator) && s.chance(liar(validator, 45, 1), "personal", validator, task.Id) {
		return []byte("guessed")
	}
	return answer
}

// challenges are the own segments that a validator finds wrong; a few say so of right ones.
func (s *Simulation) challenges(validator int, task attestationtypes.Task) []uint32 {
	if task.Kind != poltypes.AuditTaskKind {
		return nil
	}
	var m poltypes.AuditManifest
	require.NoError(s.t, m.Unmarshal(task.Manifest))
	if !m.Own {
		return nil
	}
	own := poltypes.OwnSegments(m.AuditSeed, m.Trainer, s.operator(validator), m.Segments, m.Common)
	forged := s.files[string(m.TranscriptRoot)].forged
	if slices.Contains(own, uint32(forged)) {
		return []uint32{uint32(forged)}
	}
	if len(own) > 0 && s.chance(liar(validator, 15, 1), "challenge", validator, task.Id) {
		return own[:1]
	}
	return nil
}

// holds says whether a validator could fetch a file: not one that only two were given. All have the table: without it there is nothing
// to simulate.
func (s *Simulation) holds(validator int, artefact attestationtypes.Artefact) bool {
	if artefact.Kind == trainingsettypes.DataTaskKind && !s.files[string(artefact.Sha256)].withheld {
		return true
	}
	if s.files[string(artefact.Sha256)].withheld && validator > 1 {
		return false
	}
	if s.chance(liar(validator, 18, 2), "does not hold", validator, artefact.Id) {
		return false
	}
	delay := s.roll("fetches", validator, artefact.Id) % 4
	if s.chance(10, "hard to get", artefact.Id) { // for some it takes the whole window
		delay = 8 + s.roll("fetches", validator, artefact.Id)%3
	}
	return s.Height() >= artefact.AskedHeight+int64(delay)
}

// secret is a validator's part in the beacon; some keep it when it should be shown.
func (s *Simulation) secret(validator int, number uint64) []byte {
	if b, err := s.App.AttestationKeeper.Beacon.Get(s.Ctx()); err == nil && b.Phase == attestationtypes.BEACON_PHASE_REVEAL &&
		s.chance(liar(validator, 15, 3), "secret", validator, number) {
		return []byte{}
	}
	secret := sha256.Sum256(fmt.Appendln(nil, s.seed, "secret", validator, number))
	return secret[:]
}

func (s *Simulation) operator(validator int) string { return s.Validators[validator].Operator.String() }

// moveSidecars takes a sidecar away for a while, never two at a time.
func (s *Simulation) moveSidecars() {
	clear(s.set.Offline)
	if span := s.Height() / 25; s.chance(30, "offline", span) {
		s.set.Offline[s.roll("whose", span)%uint64(len(powers))] = true
	}
}

// dayUse is the use of the day's bound on power before a block, and the power that it is a part of.
type dayUse struct {
	day   polslashingtypes.Day
	total int64
}

func (s *Simulation) dayBefore() dayUse {
	var d dayUse
	if s.App.LastBlockHeight() == 0 {
		return d
	}
	d.day, _ = s.App.PolSlashingKeeper.Today.Get(s.Ctx()) // nothing yet
	total, err := s.App.StakingKeeper.GetLastTotalPower(s.Ctx())
	require.NoError(s.t, err)
	d.total = total.Int64()
	return d
}

// checkDay checks that no more power than the bound was punished on a day of block time, but for a single validator above it.
func (s *Simulation) checkDay(before dayUse) {
	s.t.Helper()
	after, err := s.App.PolSlashingKeeper.Today.Get(s.Ctx())
	require.NoError(s.t, err)
	if after == before.day {
		return
	}
	params, err := s.App.PolSlashingKeeper.Params.Get(s.Ctx())
	require.NoError(s.t, err)
	punished := 0
	require.NoError(s.t, s.App.PolSlashingKeeper.Penalised.Walk(s.Ctx(), nil, func(string) (bool, error) { punished++; return false, nil }))
	if punished > 1 {
		require.LessOrEqual(s.t, uint64(after.Power)*1_000_000, uint64(before.total)*params.DailyPowerE6,
			"seed %d, height %d: %d validators with power %d of %d on day %d", s.seed, s.Height(), punished, after.Power, before.total, after.Day)
		s.Seen["day with several penalties"]++
	}
}
