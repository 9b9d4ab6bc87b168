package server

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/pold-network/pold/sidecar/verifier"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// object names a file by content. Two names with one CID and different hashes are different objects, of which one is a lie.
type object struct {
	cid  string
	size uint64
	hash [sha256.Size]byte
	// values stands for all values that the table's cells name, instead of the table; with a delta, for those of the table it leads to.
	values bool
	delta  body
}

// body names the delta that is applied to a table before its values are looked at; the zero value stands for none.
type body struct {
	cid  string
	size uint64
	hash [sha256.Size]byte
}

func newObject(cid string, size uint64, hash []byte) (object, error) {
	if len(hash) != sha256.Size || cid == "" {
		return object{}, fmt.Errorf("object %q: expected a CID and a hash of %d bytes, got %d", cid, sha256.Size, len(hash))
	}
	return object{cid: cid, size: size, hash: [sha256.Size]byte(hash)}, nil
}

// job is a task that this program knows how to answer, with the files it needs.
type job struct {
	task         verifier.Task
	rank         int // lower is more urgent
	manifestHash []byte
	needs        []object
	// tables are those of the needs whose cells may name values that are needed too, with the delta to be applied first, if any.
	tables []object
	// audit is the pinned inputs of a task that replays segments, for the operator in of: its files are known once the transcript is.
	audit *poltypes.AuditManifest
	of    string
	own   bool
	// store is the pinned inputs of a task that asks for chunks: they are read from what is here, so it needs no file at first.
	store *poltypes.StoreManifest
	// wants are files without which the answer differs: what the trainer withholds is challenged.
	wants []object
	// missing are the wants that could not be had when the computation began.
	missing map[object]bool
}

// newJob decodes a task for an operator. An error means that this program must abstain.
func newJob(chainID string, t attestationtypes.Task, operator string) (job, error) {
	j := job{task: verifier.Task{ID: t.Id, Kind: t.Kind, Manifest: t.Manifest}, rank: urgency(t.Status), manifestHash: t.ManifestHash}
	if sum := sha256.Sum256(t.Manifest); !bytes.Equal(sum[:], t.ManifestHash) {
		return j, fmt.Errorf("manifest: expected hash %x, got %x", t.ManifestHash, sum)
	}
	if t.Kind != attestationtypes.SpotTaskKind {
		return j, j.read(chainID, t.Kind, t.Manifest, operator, true)
	}
	var m attestationtypes.SpotManifest
	if err := verifier.DecodeManifest(&m, t.Manifest, chainID, &m.ChainId); err != nil {
		return j, err
	}
	return j, j.read(chainID, m.Kind, m.Manifest, m.Operator, false)
}

// read notes the files that pinned inputs name.
func (j *job) read(chainID, kind string, manifest []byte, operator string, own bool) error {
	switch kind {
	case poltypes.ScoreTaskKind:
		var m poltypes.ScoreManifest
		if err := verifier.DecodeManifest(&m, manifest, chainID, &m.ChainId); err != nil {
			return err
		}
		return j.readScore(&m)
	case poltypes.AuditTaskKind:
		var m poltypes.AuditManifest
		if err := verifier.DecodeManifest(&m, manifest, chainID, &m.Score.ChainId); err != nil {
			return err
		}
		return j.readAudit(&m, operator, own && m.Own)
	case poltypes.StoreTaskKind:
		var m poltypes.StoreManifest
		if err := verifier.DecodeManifest(&m, manifest, chainID, &m.ChainId); err != nil {
			return err
		}
		if j.task.Kind != poltypes.StoreTaskKind {
			return fmt.Errorf("a spot task looks into no store task")
		}
		j.store = &m
		return m.Validate()
	case trainingsettypes.DataTaskKind:
		var m trainingsettypes.DataManifest
		if err := verifier.DecodeManifest(&m, manifest, chainID, &m.ChainId); err != nil {
			return err
		}
		if m.Delta == nil {
			return j.needRows(m.Table)
		}
		if err := j.need(m.Delta.Cid, m.Delta.Size_, m.Delta.Sha256); err != nil {
			return err
		}
		delta := j.needs[len(j.needs)-1]
		if err := j.needRows(m.Table); err != nil {
			return err
		}
		j.tables[len(j.tables)-1].delta = body{delta.cid, delta.size, delta.hash}
		return nil
	}
	return fmt.Errorf("unknown kind %q; install a newer release", kind)
}

func (j *job) readScore(m *poltypes.ScoreManifest) error {
	if err := j.needRows(m.Table); err != nil {
		return err
	}
	for _, b := range m.Batches {
		if err := j.need(b.Cid, b.Size_, b.Sha256); err != nil {
			return err
		}
	}
	if m.CheckpointCid == "" {
		return j.needCarried(m.Carried)
	}
	return j.need(m.CheckpointCid, m.CheckpointSize, m.CheckpointHash)
}

func (j *job) readAudit(m *poltypes.AuditManifest, operator string, own bool) error {
	j.audit, j.of, j.own = m, operator, own
	if err := j.needRows(m.Score.Table); err != nil {
		return err
	}
	var err error
	if m.Parent.Cid == "" {
		err = j.needCarried(m.Carried)
	} else {
		err = j.need(m.Parent.Cid, m.Parent.Size_, m.Parent.Sha256)
	}
	if err != nil {
		return err
	}
	return j.need(m.TranscriptCid, m.TranscriptSize, m.TranscriptRoot)
}

// urgency orders tasks: witnesses first, then openings, then what still waits for its budget.
func urgency(s attestationtypes.TaskStatus) int {
	switch s {
	case attestationtypes.TASK_STATUS_COMMIT:
		return 0
	case attestationtypes.TASK_STATUS_OPEN:
		return 1
	}
	return 2
}

func (j *job) need(cid string, size uint64, hash []byte) error {
	o, err := newObject(cid, size, hash)
	if err == nil {
		j.needs = append(j.needs, o)
	}
	return err
}

// needRows notes a table whose rows are read, hence with the values that they name.
func (j *job) needRows(t trainingsettypes.Table) error {
	if err := j.need(t.Cid, t.Size_, t.Sha256); err != nil {
		return err
	}
	j.tables = append(j.tables, j.needs[len(j.needs)-1])
	return nil
}

// needCarried notes the checkpoint that initial weights keep something of, if any.
func (j *job) needCarried(c *poltypes.CarriedWeights) error {
	if c == nil {
		return nil
	}
	return j.need(c.Checkpoint.Cid, c.Checkpoint.Size_, c.Checkpoint.Sha256)
}

// sortJobs puts the most urgent first; equally urgent ones by id, so that all validators work in one order.
func sortJobs(jobs []job) {
	slices.SortFunc(jobs, func(a, b job) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.task.ID, b.task.ID)) })
}
