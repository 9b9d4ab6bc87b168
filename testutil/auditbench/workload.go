package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pold-network/pold/dataset/digits"
	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/swarm"
	"github.com/pold-network/pold/sidecar/verifier"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// workload is a training that is proved.
type workload struct {
	name   string
	layers []*poltypes.Layer
	recipe engine.Recipe
}

// workloads take about a minute to train: what an audit costs beyond the steps that it repeats (fetching, hashing, setting up) does not
// grow with them, so a shorter training is relatively dearer to audit.
var workloads = []workload{
	{"MLP 64-512-256-10, SGD, 36000 steps", mlp(512, 256), engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.01, Momentum: 0.9, BatchSize: 128, Steps: 36_000}},
	{"MLP 64-512-256-10, Adam, 48000 steps", mlp(512, 256), engine.Recipe{Optimizer: engine.OptimizerAdam, LearningRate: 0.0005, Momentum: 0.9, Beta2: 0.999, Epsilon: 1e-8, BatchSize: 128, Steps: 48_000}},
	{"MLP 64-64-10, SGD, 800000 steps", mlp(64), engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.01, Momentum: 0.9, BatchSize: 64, Steps: 800_000}},
}

func mlp(widths ...uint64) []*poltypes.Layer {
	var layers []*poltypes.Layer
	for i, n := range widths {
		layers = append(layers, &poltypes.Layer{Name: fmt.Sprintf("hidden%d", i), Kind: "dense", Units: n}, &poltypes.Layer{Name: fmt.Sprintf("act%d", i), Kind: "relu"})
	}
	return append(layers, &poltypes.Layer{Name: "out", Kind: "dense", Units: 10})
}

const (
	trainerName  = "pol1trainer"
	operatorName = "polvaloper1validator"
)

// trial is a finished training whose files lie on a trainer's node, and a validator's node that has none of them yet.
type trial struct {
	w                workload
	dir              string
	trainer          *swarm.Node
	m                poltypes.AuditManifest
	rows             *verifier.Rows
	start            *engine.Model
	validators, used []*swarm.Node
	fetched          []time.Duration
}

// spare is how many fresh validators' nodes are opened ahead: each audits once, because the next time it would hold the files.
const spare = 24

func (w workload) prepare(ctx context.Context) (*trial, error) {
	dir, err := os.MkdirTemp("", "pold-bench-audit-")
	if err != nil {
		return nil, err
	}
	t := &trial{w: w, dir: dir}
	if t.trainer, err = swarm.Open(ctx, swarm.Config{Home: filepath.Join(dir, "trainer"), LoopbackOnly: true}); err != nil {
		return nil, err
	}
	if err := t.pin(ctx); err != nil {
		return nil, errors.Join(err, t.close())
	}
	for i := range spare {
		node, err := swarm.Open(ctx, swarm.Config{Home: filepath.Join(dir, fmt.Sprintf("validator%d", i)), LoopbackOnly: true})
		if err != nil {
			return nil, errors.Join(err, t.close())
		}
		t.validators = append(t.validators, node)
		peer := []swarm.PeerInfo{{PeerID: t.trainer.PeerID(), Addresses: t.trainer.Addresses()}}
		if err := node.SetPeers(ctx, peer); err != nil {
			return nil, errors.Join(err, t.close())
		}
	}
	for wait := 0; len(t.trainer.Connected()) < spare; wait++ {
		if wait > 200 {
			return nil, errors.Join(errors.New("the nodes did not connect within 20 s"), t.close())
		}
		time.Sleep(100 * time.Millisecond)
	}
	return t, nil
}

func (t *trial) add(ctx context.Context, b []byte) (string, []byte, error) {
	o, err := t.trainer.Add(ctx, b)
	return o.CID, o.SHA256[:], err
}

// pin trains with a transcript and pins what its audit depends on, as a round does.
func (t *trial) pin(ctx context.Context) error {
	root, err := hex.DecodeString(digits.Root)
	if err != nil {
		return err
	}
	cid, sum, err := t.add(ctx, digits.CSV())
	if err != nil {
		return err
	}
	seed := func(name string) []byte { h := sha256.Sum256([]byte(name)); return h[:] }
	t.m = poltypes.AuditManifest{
		Score: poltypes.ScoreManifest{
			ChainId: "bench-1", Group: "digits", Round: 1, Model: poltypes.ModelSpec{InputShape: []uint32{64},
				Normalization: &poltypes.Normalization{DivisorE6: 16_000_000}, Layers: t.w.layers},
			Objective: poltypes.OBJECTIVE_CROSS_ENTROPY, Evaluation: poltypes.EVALUATION_MODE_HOLDOUT, TrainingSet: "digits",
			Table: trainingsettypes.Table{Cid: cid, Sha256: sum, Size_: uint64(len(digits.CSV())), Rows: digits.Rows, Columns: digits.Features + 1,
				Targets: 1, Root: root, ValidationPermille: 200},
			EngineVersion: engine.Version,
		},
		InitSeed: seed("init"), Trainer: trainerName, OrderSeed: seed("order"), AuditSeed: seed("audit"), Segments: segments, Own: true,
		Recipe: poltypes.RecipeBounds{MaxSteps: uint32(t.w.recipe.Steps)},
	}
	t.m.Common = poltypes.CommonSegments(t.m.AuditSeed, trainerName, segments, common)
	in := verifier.ManifestInputs(&t.m.Score)
	if t.rows, err = verifier.New().Rows(ctx, in, t.local); err != nil {
		return err
	}
	in.InitSeed = t.m.InitSeed
	weights, err := in.InitialWeights(ctx, t.local)
	if err != nil {
		return err
	}
	if t.start, err = in.Decode(weights); err != nil {
		return err
	}
	t.w.recipe.Seed = [32]byte(poltypes.TrainerSeed(t.m.OrderSeed, trainerName))
	header := engine.TranscriptHeader{Recipe: t.w.recipe, Segments: segments}
	copy(header.Context[:], poltypes.TranscriptContext("bench-1", "digits", 1, trainerName))
	copy(header.DataRoot[:], root)
	model := t.start.Clone()
	transcript, err := engine.Record(model, t.rows.Training, engine.CrossEntropy, header, func(_ int, state, trace []byte) (string, string, error) {
		stateCID, _, err := t.add(ctx, state)
		if err != nil || trace == nil {
			return stateCID, "", err
		}
		traceCID, _, err := t.add(ctx, trace)
		return stateCID, traceCID, err
	}, nil)
	if err != nil {
		return err
	}
	file := transcript.Encode()
	t.m.TranscriptSize = uint64(len(file))
	if t.m.TranscriptCid, t.m.TranscriptRoot, err = t.add(ctx, file); err != nil {
		return err
	}
	checkpoint := model.Encode()
	t.m.Score.CheckpointSize = uint64(len(checkpoint))
	t.m.Score.CheckpointCid, t.m.Score.CheckpointHash, err = t.add(ctx, checkpoint)
	return err
}

func (t *trial) local(ctx context.Context, cid string, size uint64, hash []byte) ([]byte, error) {
	return t.trainer.Fetch(ctx, cid, swarm.Expect{Size: int64(size), SHA256: [32]byte(hash)})
}

// train is the training alone, without keeping states.
func (t *trial) train() error {
	return t.start.Clone().Train(t.rows.Training, engine.CrossEntropy, t.w.recipe, nil)
}

// audit is what one validator does that has never seen any of the files, its table included: it fetches what the chain asks about, some
// files at a time as a sidecar does, and then replays.
func (t *trial) audit(ctx context.Context) error {
	if len(t.validators) == 0 {
		return fmt.Errorf("more than %d audits; use fewer -rounds", spare)
	}
	node := t.validators[0]
	t.validators, t.used = t.validators[1:], append(t.used, node)
	started := time.Now()
	if err := t.fetch(ctx, node); err != nil {
		return err
	}
	t.fetched = append(t.fetched, time.Since(started))
	a, err := verifier.New().Audit(ctx, &t.m, operatorName, func(ctx context.Context, cid string, size uint64, hash []byte) ([]byte, error) {
		return node.Fetch(ctx, cid, swarm.Expect{Size: int64(size), SHA256: [32]byte(hash)})
	})
	switch {
	case err != nil:
		return err
	case a.Answer.Status != poltypes.AuditPassed || len(a.Challenges) > 0:
		return fmt.Errorf("expected an audit that passes, got %q and challenges %v", a.Problem, a.Challenges)
	}
	return nil
}

// fetch brings table, transcript and start states to a validator's node.
func (t *trial) fetch(ctx context.Context, node *swarm.Node) error {
	get := func(cid string, size uint64, hash []byte) ([]byte, error) {
		return node.Fetch(ctx, cid, swarm.Expect{Size: int64(size), SHA256: [32]byte(hash)})
	}
	file, err := get(t.m.TranscriptCid, t.m.TranscriptSize, t.m.TranscriptRoot)
	if err != nil {
		return err
	}
	transcript, err := engine.ParseTranscript(file)
	if err != nil {
		return err
	}
	errs := make(chan error, segments)
	count := 1
	go func() {
		_, err := get(t.m.Score.Table.Cid, t.m.Score.Table.Size_, t.m.Score.Table.Sha256)
		errs <- err
	}()
	for _, s := range append(poltypes.OwnSegments(t.m.AuditSeed, trainerName, operatorName, segments, t.m.Common), t.m.Common...) {
		if s == 0 {
			continue
		}
		count++
		go func() {
			l := transcript.Leaves[s]
			_, err := get(l.StateCID, l.StateSize, l.State[:])
			errs <- err
		}()
	}
	for range count {
		err = errors.Join(err, <-errs)
	}
	return err
}

func (t *trial) close() error {
	err := t.trainer.Close()
	for _, node := range append(t.validators, t.used...) {
		err = errors.Join(err, node.Close())
	}
	return errors.Join(err, os.RemoveAll(t.dir))
}
