package adversaries

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/api"
	"github.com/pold-network/pold/sidecar/verifier"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// answer is what a validator says about a task: what it computed, unless it lies.
func (a *Arena) answer(validator int, operator string, task attestationtypes.Task) (api.Answer, bool) {
	answer, done := a.Compute(validator, operator, task)
	if lie := a.Lies[validator]; lie != nil {
		return lie(task, answer, done)
	}
	return answer, done
}

// Compute answers a task as trainerd does, from the files that the validator can get; false means that it has to abstain.
func (a *Arena) Compute(validator int, operator string, task attestationtypes.Task) (api.Answer, bool) {
	key := fmt.Sprintf("%d %d %s", validator, task.Id, operator)
	if done, ok := a.computed[key]; ok {
		return done, true
	}
	r, err := a.Verifier.Compute(context.Background(), a.Ctx().ChainID(),
		verifier.Task{ID: task.Id, Kind: task.Kind, Manifest: task.Manifest}, operator, a.fetch(validator))
	if err != nil {
		return api.Answer{}, false
	}
	a.computed[key] = api.Answer{Answer: r.Answer, Personal: r.Personal, Challenges: r.Challenges}
	return a.computed[key], true
}

// holds reports whether a validator can get a file and, if that is a transcript under audit, the start states of the common segments.
func (a *Arena) holds(validator int, x attestationtypes.Artefact) bool {
	fetch := a.fetch(validator)
	file, err := fetch(context.Background(), x.Cid, x.Size_, x.Sha256)
	if err != nil || uint64(len(file)) != x.Size_ {
		return false
	}
	if hash := sha256.Sum256(file); !bytes.Equal(hash[:], x.Sha256) {
		return false
	}
	if len(x.Manifest) == 0 {
		return true
	}
	var m poltypes.AuditManifest
	t, err := engine.ParseTranscript(file)
	if err != nil || m.Unmarshal(x.Manifest) != nil || t.Header.Segments != int(m.Segments) {
		return true // it names nothing else; the audit will say what is wrong with it
	}
	for _, segment := range m.Common {
		leaf := t.Leaves[segment]
		if _, err := fetch(context.Background(), leaf.StateCID, leaf.StateSize, leaf.State[:]); segment > 0 && err != nil {
			return false
		}
	}
	return true
}
