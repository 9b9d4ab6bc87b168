package verifier

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/pold-network/pold/engine"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

const (
	// auditDomain separates the digests of audit answers from every other hash of the protocol.
	auditDomain = "pold/audit/v1"
	// everybody is the operator whose sample goes into the digest, which has to be the same for all.
	everybody = ""
)

// Audit is what the replay of a transcript found.
type Audit struct {
	Answer poltypes.AuditAnswer
	// Problem says in words why the audit failed.
	Problem string
	// Sample is the operator's own: weights after every step of the common segments.
	Sample []byte
	// Challenges are the operator's own segments that are wrong, or whose start state can't be had.
	Challenges []uint32
}

// Audit replays the segments of a transcript that everybody replays and, if the manifest says so, those that the audit seed gave the
// operator beside them. An error means that this machine must abstain; whatever is wrong with the transcript is a finding.
func (v *Verifier) Audit(ctx context.Context, m *poltypes.AuditManifest, operator string, fetch FetchFunc) (Audit, error) {
	return v.audit(ctx, m, operator, m.Own, fetch)
}

// audit leaves out the operator's own segments unless it is to replay them: a spot task looks into the common ones only.
func (v *Verifier) audit(ctx context.Context, m *poltypes.AuditManifest, operator string, withOwn bool, fetch FetchFunc) (Audit, error) {
	encoded, err := m.Marshal()
	if err != nil {
		return Audit{}, fmt.Errorf("encode the manifest: %w", err)
	}
	manifestHash := sha256.Sum256(encoded)
	file, err := fetch(ctx, m.TranscriptCid, m.TranscriptSize, m.TranscriptRoot)
	if err != nil {
		return Audit{}, fmt.Errorf("transcript %s: %w", m.TranscriptCid, err)
	}
	if err := checkBytes("transcript "+m.TranscriptCid, file, m.TranscriptRoot, m.TranscriptSize); err != nil {
		return Audit{}, err
	}
	a := Audit{Sample: sampleBytes(m.AuditSeed, operator, file)}
	digest := [][]byte{[]byte(auditDomain), manifestHash[:]}
	finish := func(status poltypes.AuditStatus, segment uint32, problem error) (Audit, error) {
		a.Answer = poltypes.AuditAnswer{Status: status, Segment: segment}
		copy(a.Answer.Digest[:], attestationtypes.HashFields(digest...))
		if problem != nil {
			a.Problem = problem.Error()
		}
		return a, nil
	}
	r, err := v.NewReplay(ctx, m, file, fetch)
	var fault *Fault
	if errors.As(err, &fault) {
		return finish(fault.Status, 0, fault)
	}
	if err != nil {
		return Audit{}, err
	}
	for _, segment := range m.Common {
		state, err := r.state(ctx, segment, fetch)
		if err == nil {
			common, own := r.sampler(everybody), r.sampler(operator)
			var done *engine.Replay
			done, err = r.Segment(segment, state, func(weights []float32) { common.take(weights); own.take(weights) })
			if done != nil {
				common.b = append(common.b, done.Trace[:]...)
			}
			digest = append(digest, common.b)
			a.Sample = append(a.Sample, own.b...)
		}
		if errors.As(err, &fault) {
			return finish(fault.Status, segment, fault)
		}
		if err != nil {
			return Audit{}, err
		}
	}
	if withOwn {
		if a.Challenges, err = r.own(ctx, operator, fetch); err != nil {
			return Audit{}, err
		}
	}
	return finish(poltypes.AuditPassed, 0, nil)
}

// own replays the segments that the audit seed gave the operator and returns those that it has to challenge.
func (r *Replay) own(ctx context.Context, operator string, fetch FetchFunc) ([]uint32, error) {
	var wrong []uint32
	for _, segment := range poltypes.OwnSegments(r.m.AuditSeed, r.m.Trainer, operator, r.m.Segments, r.m.Common) {
		state, err := r.state(ctx, segment, fetch)
		var fault *Fault
		if err != nil && !errors.As(err, &fault) {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			wrong = append(wrong, segment) // withheld: the others will say whether they can get it
			continue
		}
		if err == nil {
			_, err = r.Segment(segment, state, nil)
		}
		if errors.As(err, &fault) {
			wrong = append(wrong, segment)
		} else if err != nil {
			return nil, err
		}
	}
	return wrong, nil
}
