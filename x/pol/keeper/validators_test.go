package keeper_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/pol/keeper"
	"github.com/pold-network/pold/x/pol/types"
)

// verdict is what validators do about an open question.
type verdict int

const (
	undecided verdict = iota
	decided
	expired
)

// attestation is validators that do as they are told. Questions are answered at the end of a block, lowest id first.
type attestation struct {
	t        *testing.T
	outcomes keeper.Outcomes

	nextTask, nextArtefact, nextDraw uint64
	tasks                            map[uint64]attestationtypes.Task
	artefacts                        map[uint64]attestationtypes.Artefact
	draws                            map[uint64]attestationtypes.Draw
	openTasks, asked, openDraws      []uint64
	matched                          []attestationtypes.Member
	maxCost, maxAudit, maxStore      uint64
	live, required                   int
	openError                        error
	matchedError                     error
	conduct                          []attestationtypes.Conduct

	// holds says whether a file is held; judge what its score is.
	holds func(types.SubmissionRef) (verdict, bool)
	judge func(types.SubmissionRef, types.ScoreManifest) (verdict, types.ScoreAnswer)
	// holdsBatch says whether the sealed batch of a reference is held.
	holdsBatch func(ref string) (verdict, bool)
	// holdsStates says whether a transcript and the start states of its common segments are held, audit what a replay finds.
	holdsStates func(types.AuditRef, types.AuditManifest) (verdict, bool)
	audit       func(types.AuditRef, types.AuditManifest) (verdict, types.AuditAnswer)
	// challenges are raised when an audit task has opened.
	challenges func(types.AuditRef, types.AuditManifest) []attestationtypes.Challenge
	challenged map[uint64]bool
	// store says what becomes of a store task.
	store func(types.StoreManifest) verdict
	// draw says whether a seed is drawn.
	draw func(types.DrawRef) verdict
	// lose is how many of the next outcomes get lost on their way.
	lose int
}

func newAttestation(t *testing.T) *attestation {
	return &attestation{
		t: t, tasks: map[uint64]attestationtypes.Task{}, artefacts: map[uint64]attestationtypes.Artefact{}, draws: map[uint64]attestationtypes.Draw{},
		challenged: map[uint64]bool{}, maxCost: 1e12, maxAudit: 1e15, live: 4, required: 3,
		matched:    []attestationtypes.Member{{Operator: operator(1), Power: 3, FactorE6: 1e6}, {Operator: operator(2), Power: 1, FactorE6: 1e6}},
		holds:      func(types.SubmissionRef) (verdict, bool) { return decided, true },
		holdsBatch: func(string) (verdict, bool) { return decided, true },
		judge: func(ref types.SubmissionRef, m types.ScoreManifest) (verdict, types.ScoreAnswer) {
			return decided, types.ScoreAnswer{ClaimLossE9: lossOf(m), RankLossE9: lossOf(m), MetricE9: 5}
		},
		holdsStates: func(types.AuditRef, types.AuditManifest) (verdict, bool) { return decided, true },
		audit: func(types.AuditRef, types.AuditManifest) (verdict, types.AuditAnswer) {
			return decided, types.AuditAnswer{Digest: [32]byte{1}}
		},
		challenges: func(types.AuditRef, types.AuditManifest) []attestationtypes.Challenge { return nil },
		draw:       func(types.DrawRef) verdict { return decided },
		store:      func(types.StoreManifest) verdict { return decided },
		maxStore:   1e9,
	}
}

func (a *attestation) OpenTask(_ context.Context, kind string, ref, manifest []byte, cost uint64, priority math.Int) (uint64, error) {
	require.Contains(a.t, []string{types.ScoreTaskKind, types.AuditTaskKind, types.StoreTaskKind}, kind)
	require.False(a.t, priority.IsNegative())
	require.LessOrEqual(a.t, len(manifest), attestationtypes.MaxManifestSize)
	if a.openError != nil {
		return 0, a.openError
	}
	if most, _ := a.MaxCost(nil, kind); cost > most {
		return 0, fmt.Errorf("cost %d is above %d", cost, most)
	}
	a.nextTask++
	a.tasks[a.nextTask] = attestationtypes.Task{Id: a.nextTask, Kind: kind, Ref: ref, Manifest: manifest, Cost: cost, Priority: priority}
	a.openTasks = append(a.openTasks, a.nextTask)
	return a.nextTask, nil
}

func (a *attestation) AskArtefact(ctx context.Context, kind, cid string, sha256 []byte, size uint64, ref []byte) (uint64, error) {
	return a.AskBundle(ctx, kind, cid, sha256, size, ref, nil)
}

func (a *attestation) AskBundle(_ context.Context, kind, cid string, sha256 []byte, size uint64, ref, manifest []byte) (uint64, error) {
	require.Equal(a.t, kind == types.AuditTaskKind, len(manifest) > 0, "audits name further files")
	a.nextArtefact++
	a.artefacts[a.nextArtefact] = attestationtypes.Artefact{Id: a.nextArtefact, Kind: kind, Cid: cid, Sha256: sha256, Size_: size, Ref: ref, Manifest: manifest}
	a.asked = append(a.asked, a.nextArtefact)
	return a.nextArtefact, nil
}

func (a *attestation) RequestDraw(_ context.Context, kind string, ref []byte) (uint64, error) {
	require.Contains(a.t, []string{types.ScoreTaskKind, types.AuditTaskKind, types.StoreTaskKind}, kind)
	a.nextDraw++
	a.draws[a.nextDraw] = attestationtypes.Draw{Id: a.nextDraw, Kind: kind, Ref: ref}
	a.openDraws = append(a.openDraws, a.nextDraw)
	return a.nextDraw, nil
}

func (a *attestation) ReportConduct(_ context.Context, c attestationtypes.Conduct) error {
	a.conduct = append(a.conduct, c)
	return nil
}

func (a *attestation) LiveState(context.Context) (int, int, error) { return a.live, a.required, nil }

func (a *attestation) Matched(context.Context, uint64) ([]attestationtypes.Member, error) {
	return a.matched, a.matchedError
}

func (a *attestation) Mismatched(context.Context, uint64) ([]string, error) {
	return []string{"liar"}, nil
}

func (a *attestation) TaskPending(_ context.Context, id uint64) (bool, error) {
	return slices.Contains(a.openTasks, id), nil
}

func (a *attestation) ArtefactPending(_ context.Context, id uint64) (bool, error) {
	return slices.Contains(a.asked, id), nil
}

func (a *attestation) DrawPending(_ context.Context, id uint64) (bool, error) {
	return slices.Contains(a.openDraws, id), nil
}

func (a *attestation) MaxCost(_ context.Context, kind string) (uint64, error) {
	switch kind {
	case types.AuditTaskKind:
		return a.maxAudit, nil
	case types.StoreTaskKind:
		if a.maxStore == 0 {
			return 0, attestationtypes.ErrUnknownKind
		}
		return a.maxStore, nil
	}
	return a.maxCost, nil
}

// seedOf is the seed of a draw.
func seedOf(id uint64) []byte { h := sha256.Sum256([]byte(fmt.Sprint("draw ", id))); return h[:] }

// endBlock answers what is to be answered; the owner's writes are dropped when it fails, as the real module does.
func (a *attestation) endBlock(ctx sdk.Context) {
	tell := func(call func(context.Context) error) {
		cached, write := ctx.CacheContext()
		require.NoError(a.t, call(cached))
		if a.lose > 0 {
			a.lose--
			return
		}
		write()
	}
	draws := a.openDraws
	a.openDraws = nil
	for _, id := range draws {
		if a.draws[id].Kind == types.StoreTaskKind {
			tell(func(ctx context.Context) error { return a.stores().DrawDone(ctx, a.draws[id], seedOf(id)) })
			continue
		}
		ref, err := types.DecodeDrawRef(a.draws[id].Ref)
		require.NoError(a.t, err)
		if a.draw(ref) == undecided {
			a.openDraws = append(a.openDraws, id)
			continue
		}
		tell(func(ctx context.Context) error { return a.outcomes.DrawDone(ctx, a.draws[id], seedOf(id)) })
	}
	asked := a.asked
	a.asked = nil
	for _, id := range asked {
		q := a.artefacts[id]
		v, held := a.held(q)
		if v == undecided {
			a.asked = append(a.asked, id)
			continue
		}
		q.Status = attestationtypes.ARTEFACT_STATUS_WITHHELD
		q.Note = "held by nobody"
		if held {
			q.Status, q.Note = attestationtypes.ARTEFACT_STATUS_HELD, ""
		}
		tell(func(ctx context.Context) error { return a.outcomes.ArtefactJudged(ctx, q) })
	}
	open := a.openTasks
	a.openTasks = nil
	for _, id := range open {
		q := a.tasks[id]
		var owner attestationtypes.Owner = a.outcomes
		var v verdict
		var answer []byte
		if q.Kind == types.StoreTaskKind {
			owner, v = a.stores(), a.store(a.storeOf(q))
		} else {
			v, answer = a.answer(ctx, q)
		}
		switch v {
		case undecided:
			a.openTasks = append(a.openTasks, id)
		case decided:
			q.Answer = answer
			tell(func(ctx context.Context) error { return owner.TaskSettled(ctx, q) })
		case expired:
			q.Note = "only 1 of 4 power committed"
			tell(func(ctx context.Context) error { return owner.TaskExpired(ctx, q) })
		}
	}
}

func (a *attestation) stores() keeper.StoreOutcomes {
	return keeper.StoreOutcomes{Keeper: a.outcomes.Keeper}
}

func (a *attestation) storeOf(q attestationtypes.Task) types.StoreManifest {
	var m types.StoreManifest
	require.NoError(a.t, m.Unmarshal(q.Manifest))
	require.NoError(a.t, m.Validate())
	require.Equal(a.t, m.Group+"/"+m.File.Word(), string(q.Ref))
	require.Equal(a.t, m.Cost(), q.Cost)
	return m
}

func (a *attestation) held(q attestationtypes.Artefact) (verdict, bool) {
	if q.Kind == types.AuditTaskKind {
		ref, m := a.auditOf(q.Ref, q.Manifest)
		return a.holdsStates(ref, m)
	}
	if strings.HasPrefix(string(q.Ref), "batch/") {
		return a.holdsBatch(string(q.Ref))
	}
	ref, err := types.DecodeSubmissionRef(q.Ref)
	require.NoError(a.t, err)
	return a.holds(ref)
}

// answer returns what validators say of a task; challenges come before the answer.
func (a *attestation) answer(ctx sdk.Context, q attestationtypes.Task) (verdict, []byte) {
	if q.Kind == types.AuditTaskKind {
		ref, m := a.auditOf(q.Ref, q.Manifest)
		if !a.challenged[q.Id] {
			a.challenged[q.Id] = true
			for _, c := range a.challenges(ref, m) {
				require.NoError(a.t, a.outcomes.Challenged(ctx, q, c))
			}
		}
		v, answer := a.audit(ref, m)
		return v, answer.Encode()
	}
	ref, err := types.DecodeSubmissionRef(q.Ref)
	require.NoError(a.t, err)
	var m types.ScoreManifest
	require.NoError(a.t, m.Unmarshal(q.Manifest))
	v, answer := a.judge(ref, m)
	return v, answer.Encode()
}

func (a *attestation) auditOf(ref, manifest []byte) (types.AuditRef, types.AuditManifest) {
	r, err := types.DecodeAuditRef(ref)
	require.NoError(a.t, err)
	var m types.AuditManifest
	require.NoError(a.t, m.Unmarshal(manifest))
	return r, m
}

// recorder keeps what the module told other modules.
type recorder struct {
	settled []types.RoundOutcome
	fails   error
}

func (r *recorder) AfterRoundSettled(_ context.Context, o types.RoundOutcome) error {
	r.settled = append(r.settled, o)
	return r.fails
}

// reputations are the extra segments of accounts.
type reputations map[string]uint32

func (r reputations) ExtraSegments(_ context.Context, address string) (uint32, error) {
	if r[address] == unknownReputation {
		return 1, fmt.Errorf("no reputation of %s", address)
	}
	return r[address], nil
}

const unknownReputation = 1 << 31
