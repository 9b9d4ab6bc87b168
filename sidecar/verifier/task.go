package verifier

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/cosmos/gogoproto/proto"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// Task is a computation that the chain has asked for.
type Task struct {
	ID       uint64
	Kind     string
	Manifest []byte // its pinned inputs
}

// Result is what a validator says about a task.
type Result struct {
	Answer []byte
	// Personal is the operator's own value, empty for kinds without one.
	Personal []byte
	// Challenges are segments of an audited transcript that the operator's own replay contradicts.
	Challenges []uint32
	// Problem says in words what the answer found; empty when nothing is wrong.
	Problem string
}

// Compute answers a task for an operator. An error means that this machine must abstain.
func (v *Verifier) Compute(ctx context.Context, chainID string, t Task, operator string, fetch FetchFunc) (Result, error) {
	return v.compute(ctx, chainID, t, operator, true, fetch)
}

func (v *Verifier) compute(ctx context.Context, chainID string, t Task, operator string, own bool, fetch FetchFunc) (Result, error) {
	switch t.Kind {
	case attestationtypes.SpotTaskKind:
		var m attestationtypes.SpotManifest
		if err := DecodeManifest(&m, t.Manifest, chainID, &m.ChainId); err != nil {
			return Result{}, err
		}
		if m.Kind == attestationtypes.SpotTaskKind {
			return Result{}, fmt.Errorf("a spot task looks into no spot task")
		}
		r, err := v.compute(ctx, chainID, Task{ID: m.TaskId, Kind: m.Kind, Manifest: m.Manifest}, m.Operator, false, fetch)
		return Result{Answer: r.Personal}, err
	case trainingsettypes.DataTaskKind:
		return v.computeData(ctx, chainID, t, fetch)
	case poltypes.StoreTaskKind:
		var m poltypes.StoreManifest
		if err := DecodeManifest(&m, t.Manifest, chainID, &m.ChainId); err != nil {
			return Result{}, err
		}
		answer, err := Produce(ctx, &m, &fetched{m: &m, fetch: fetch})
		return Result{Answer: answer}, err
	}
	var r Result
	var sample []byte
	switch t.Kind {
	case poltypes.ScoreTaskKind:
		var m poltypes.ScoreManifest
		if err := DecodeManifest(&m, t.Manifest, chainID, &m.ChainId); err != nil {
			return r, err
		}
		a, values, err := v.score(ctx, &m, operator, fetch)
		if err != nil {
			return r, err
		}
		r.Answer, sample = a.Encode(), values
		if a.Status != poltypes.ScoreValid {
			r.Problem = a.Status.String()
		}
	case poltypes.AuditTaskKind:
		var m poltypes.AuditManifest
		if err := DecodeManifest(&m, t.Manifest, chainID, &m.Score.ChainId); err != nil {
			return r, err
		}
		a, err := v.audit(ctx, &m, operator, own && m.Own, fetch)
		if err != nil {
			return r, err
		}
		r.Answer, r.Challenges, r.Problem, sample = a.Answer.Encode(), a.Challenges, a.Problem, a.Sample
	default:
		return r, fmt.Errorf("unknown kind %q; install a newer release", t.Kind)
	}
	r.Personal = attestationtypes.PersonalOf(chainID, t.ID, operator, sample)
	return r, nil
}

func (v *Verifier) computeData(ctx context.Context, chainID string, t Task, fetch FetchFunc) (Result, error) {
	var m trainingsettypes.DataManifest
	if err := DecodeManifest(&m, t.Manifest, chainID, &m.ChainId); err != nil {
		return Result{}, err
	}
	hash := sha256.Sum256(t.Manifest)
	var a trainingsettypes.DataAnswer
	var err error
	if m.Delta != nil {
		a, err = v.checkDelta(ctx, &m, hash[:], fetch)
	} else {
		var file []byte
		if file, err = fetch(ctx, m.Table.Cid, m.Table.Size_, m.Table.Sha256); err == nil {
			a, err = CheckData(ctx, &m, file, hash[:], fetch)
		}
	}
	if err != nil {
		return Result{}, err
	}
	r := Result{Answer: a.Encode()}
	if a.Status != trainingsettypes.DataValid {
		r.Problem = a.Status.String()
	}
	return r, nil
}

// DecodeManifest reads pinned inputs and refuses those of another chain, or with fields that this release does not know: they would be
// lost, and then it would not know what it is asked.
func DecodeManifest(m proto.Message, b []byte, chainID string, of *string) error {
	if err := proto.Unmarshal(b, m); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	if again, err := proto.Marshal(m); err != nil || !bytes.Equal(again, b) {
		return fmt.Errorf("manifest: it holds fields that this release does not know; install a newer one")
	}
	if *of != chainID {
		return fmt.Errorf("manifest: expected chain %q, got %q", chainID, *of)
	}
	return nil
}
