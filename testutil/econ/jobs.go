package econ

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// job is a task with what the simulation knows about it.
type job struct {
	task    attestationtypes.Task
	members map[string]bool
	group   *group
	spot    *attestationtypes.SpotManifest
	audit   *poltypes.AuditManifest
	right   []byte
	paid    bool // the verifier share may go to who answers it
	// values is what a personal value covers.
	values []byte
	// cost is of the part that all validators compute alike, own of what only one does.
	cost, own int64
	done      map[int]bool
	opened    bool
	wrong     int // segment, of an audit
}

// newJob works out the right answer of a task and what it costs.
func (w *world) newJob(t attestationtypes.Task) (*job, error) {
	j := &job{task: t, done: map[int]bool{}, members: map[string]bool{}, wrong: honestTranscript}
	s, err := w.attestation.Snapshots.Get(w.ctx, t.Snapshot)
	if err != nil {
		return nil, err
	}
	for _, m := range s.Members {
		j.members[m.Operator] = true
	}
	switch t.Kind {
	case poltypes.ScoreTaskKind:
		err = w.scoreJob(j)
	case poltypes.AuditTaskKind:
		err = w.auditJob(j)
	case attestationtypes.SpotTaskKind:
		j.spot = &attestationtypes.SpotManifest{}
		if err = j.spot.Unmarshal(t.Manifest); err != nil {
			return nil, err
		}
		of := w.jobs[j.spot.TaskId]
		if of == nil {
			return nil, fmt.Errorf("it asks about task %d, which is forgotten", j.spot.TaskId)
		}
		j.group, j.cost = of.group, of.cost/w.Costs.SpotsPerTask+of.own
		j.right = attestationtypes.PersonalOf(chainID, of.task.Id, j.spot.Operator, of.values)
	default:
		err = fmt.Errorf("expected a kind that agents know")
	}
	j.values = append([]byte("values of "), j.right...)
	return j, err
}

func (w *world) scoreJob(j *job) error {
	ref, err := poltypes.DecodeSubmissionRef(j.task.Ref)
	if err != nil {
		return err
	}
	var m poltypes.ScoreManifest
	if err := m.Unmarshal(j.task.Manifest); err != nil {
		return err
	}
	j.group = w.groupOf(ref.Group)
	j.cost = w.evaluation(j.group)
	a := poltypes.ScoreAnswer{ClaimLossE9: parentLoss, RankLossE9: parentLoss, Digest: digest(j.task)}
	if ref.Trainer != "" {
		e := w.entries[string(m.CheckpointHash)]
		if e == nil {
			return fmt.Errorf("checkpoint %X was handed in by nobody", m.CheckpointHash)
		}
		a.ClaimLossE9, a.RankLossE9 = e.claim, e.rank
		j.paid = e.rank == bestRank(j.group)
	}
	j.right = a.Encode()
	return nil
}

func (w *world) auditJob(j *job) error {
	ref, err := poltypes.DecodeAuditRef(j.task.Ref)
	if err != nil {
		return err
	}
	j.audit = &poltypes.AuditManifest{}
	if err := j.audit.Unmarshal(j.task.Manifest); err != nil {
		return err
	}
	j.group = w.groupOf(ref.Group)
	j.cost = w.segment(j.group) * int64(len(j.audit.Common))
	if j.audit.Own {
		j.own = w.segment(j.group) * int64(poltypes.OwnCount(j.audit.Segments))
	}
	e := w.roots[string(j.audit.TranscriptRoot)]
	if e == nil {
		return fmt.Errorf("transcript %X was handed in by nobody", j.audit.TranscriptRoot)
	}
	j.wrong = e.wrong
	a := poltypes.AuditAnswer{Digest: digest(j.task)}
	for _, segment := range j.audit.Common {
		if a.Status == poltypes.AuditPassed && (e.wrong == everySegment || e.wrong == int(segment)) {
			a.Status, a.Segment = poltypes.AuditMismatch, segment
		}
	}
	j.right = a.Encode()
	return nil
}

// digest stands for what only the computation gives.
func digest(t attestationtypes.Task) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte("digest"), t.Id))
}

func (w *world) groupOf(name string) *group {
	for _, g := range w.groups {
		if g.name == name {
			return g
		}
	}
	panic("no group " + name) // the simulation opens all groups
}

func bestRank(g *group) uint64 {
	best := parentLoss
	for _, e := range g.entries {
		if !e.refused() {
			best = min(best, e.rank)
		}
	}
	return best
}
