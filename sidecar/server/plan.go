package server

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// object names a file by content. Two names with one CID and different hashes are different objects, of which one is a lie.
type object struct {
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
	id           uint64
	rank         int // lower is more urgent
	manifestHash []byte
	needs        []object
	score        *poltypes.ScoreManifest
	data         *trainingsettypes.DataManifest
}

// newJob decodes a task. An error means that this program must abstain.
func newJob(chainID string, t attestationtypes.Task) (job, error) {
	j := job{id: t.Id, rank: urgency(t.Status), manifestHash: t.ManifestHash}
	if sum := sha256.Sum256(t.Manifest); !bytes.Equal(sum[:], t.ManifestHash) {
		return j, fmt.Errorf("manifest: expected hash %x, got %x", t.ManifestHash, sum)
	}
	var err error
	switch t.Kind {
	case poltypes.ScoreTaskKind:
		err = j.readScore(chainID, t.Manifest)
	case trainingsettypes.DataTaskKind:
		err = j.readData(chainID, t.Manifest)
	default:
		err = fmt.Errorf("unknown kind %q; install a newer release", t.Kind)
	}
	return j, err
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

func (j *job) readScore(chainID string, manifest []byte) error {
	var m poltypes.ScoreManifest
	if err := m.Unmarshal(manifest); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	// Fields that this release does not know would be lost: then it does not know what it is asked.
	if again, err := m.Marshal(); err != nil || !bytes.Equal(again, manifest) {
		return fmt.Errorf("manifest: it holds fields that this release does not know; install a newer one")
	}
	if m.ChainId != chainID {
		return fmt.Errorf("manifest: expected chain %q, got %q", chainID, m.ChainId)
	}
	j.score = &m
	if err := j.need(m.Table.Cid, m.Table.Size_, m.Table.Sha256); err != nil {
		return err
	}
	if m.CheckpointCid == "" {
		return nil
	}
	return j.need(m.CheckpointCid, m.CheckpointSize, m.CheckpointHash)
}

func (j *job) readData(chainID string, manifest []byte) error {
	var m trainingsettypes.DataManifest
	if err := m.Unmarshal(manifest); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	if again, err := m.Marshal(); err != nil || !bytes.Equal(again, manifest) {
		return fmt.Errorf("manifest: it holds fields that this release does not know; install a newer one")
	}
	if m.ChainId != chainID {
		return fmt.Errorf("manifest: expected chain %q, got %q", chainID, m.ChainId)
	}
	j.data = &m
	return j.need(m.Table.Cid, m.Table.Size_, m.Table.Sha256)
}

func (j *job) need(cid string, size uint64, hash []byte) error {
	o, err := newObject(cid, size, hash)
	if err == nil {
		j.needs = append(j.needs, o)
	}
	return err
}

// sortJobs puts the most urgent first; equally urgent ones by id, so that all validators work in one order.
func sortJobs(jobs []job) {
	slices.SortFunc(jobs, func(a, b job) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.id, b.id)) })
}
