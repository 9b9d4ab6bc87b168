package verifier

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
)

// EvidenceFinding is what the evidence of a wrong vote is worth.
type EvidenceFinding struct {
	Figures []EvidenceFigure `json:"figures"`
	// Holds says that the settled answer is the right one and that the operator had committed to another.
	Holds bool `json:"holds"`
	// Problem says what does not hold.
	Problem string `json:"problem,omitempty"`
	// Found is what the computation says about its subject, such as "weights or loss are not finite"; empty when nothing is wrong with it.
	Found string `json:"found,omitempty"`
}

// EvidenceFigure is a value that stands in the evidence beside the one that was computed from its inputs.
type EvidenceFigure struct {
	Name     string `json:"name"`
	Evidence string `json:"evidence"`
	Computed string `json:"computed"`
	// Holds says whether the two stand to each other as they should: answers equal, what the operator committed to not.
	Holds bool `json:"holds"`
}

// CheckEvidence recomputes a wrong answer or a wrong personal value from the inputs that are stored with the evidence. An error means
// that it can't be done: a file is gone, or a newer release is needed.
func (v *Verifier) CheckEvidence(ctx context.Context, e polslashingtypes.Evidence, fetch FetchFunc) (EvidenceFinding, error) {
	if !e.Kind.OfTask() {
		return EvidenceFinding{}, fmt.Errorf("evidence %d: expected a wrong answer or personal value, got %s, of which there is no task", e.Id, e.Kind)
	}
	task := Task{ID: e.TaskId, Kind: e.TaskKind, Manifest: e.Manifest}
	if err := checkSpot(e); err != nil {
		return EvidenceFinding{}, err
	}
	// Segments of the operator's own do not enter the answer, and their states may be gone.
	r, err := v.compute(ctx, e.ChainId, task, e.Address, false, fetch)
	if err != nil && ctx.Err() == nil {
		if states, rebuildErr := v.rebuildStates(ctx, e, fetch); rebuildErr == nil && len(states) > 0 {
			r, err = v.compute(ctx, e.ChainId, task, e.Address, false, states.or(fetch))
		}
	}
	if err != nil {
		return EvidenceFinding{}, fmt.Errorf("evidence %d: the %s task %d can't be computed: %w", e.Id, e.TaskKind, e.TaskId, err)
	}
	f := EvidenceFinding{Found: r.Problem, Holds: true}
	add := func(name string, evidence, computed []byte, equal bool, problem string) {
		holds := bytes.Equal(evidence, computed) == equal
		f.Figures = append(f.Figures, EvidenceFigure{name, hex.EncodeToString(evidence), hex.EncodeToString(computed), holds})
		if !holds && f.Holds {
			f.Holds, f.Problem = false, problem
		}
	}
	add("answer", e.Answer, r.Answer, true, "more than two thirds of power settled on an answer that the computation does not give")
	if e.Kind == polslashingtypes.FAULT_KIND_WRONG_PERSONAL {
		add("personal value", e.Personal, r.Answer, false, "the operator had committed to the value that the computation gives")
	} else {
		add("witness", e.Witness, attestationtypes.WitnessOf(e.ChainId, e.TaskId, e.Address, r.Answer), false, "the operator had committed to the answer that the computation gives")
	}
	return f, nil
}

// checkSpot refuses evidence whose inputs are about somebody else.
func checkSpot(e polslashingtypes.Evidence) error {
	if e.Kind != polslashingtypes.FAULT_KIND_WRONG_PERSONAL {
		return nil
	}
	var m attestationtypes.SpotManifest
	if err := DecodeManifest(&m, e.Manifest, e.ChainId, &m.ChainId); err != nil {
		return err
	}
	if m.Operator != e.Address || !bytes.Equal(m.Personal, e.Personal) {
		return fmt.Errorf("evidence %d: expected inputs about %s and the value %x, got %s and %x", e.Id, e.Address, e.Personal, m.Operator, m.Personal)
	}
	return nil
}

// heldStates are start states by content identifier.
type heldStates map[string][]byte

func (h heldStates) or(fetch FetchFunc) FetchFunc {
	return func(ctx context.Context, cid string, size uint64, sha256 []byte) ([]byte, error) {
		if b, ok := h[cid]; ok {
			return b, nil
		}
		return fetch(ctx, cid, size, sha256)
	}
}

// rebuildStates trains an audited transcript again from its parent, because nobody keeps the states in between for as long as evidence
// is kept. It returns none when the task is no audit.
func (v *Verifier) rebuildStates(ctx context.Context, e polslashingtypes.Evidence, fetch FetchFunc) (heldStates, error) {
	kind, manifest := e.TaskKind, e.Manifest
	if kind == attestationtypes.SpotTaskKind {
		var spot attestationtypes.SpotManifest
		if err := DecodeManifest(&spot, manifest, e.ChainId, &spot.ChainId); err != nil {
			return nil, err
		}
		kind, manifest = spot.Kind, spot.Manifest
	}
	if kind != poltypes.AuditTaskKind {
		return nil, nil
	}
	var m poltypes.AuditManifest
	if err := DecodeManifest(&m, manifest, e.ChainId, &m.Score.ChainId); err != nil {
		return nil, err
	}
	leaves, err := leafCIDs(ctx, &m, fetch)
	if err != nil {
		return nil, err
	}
	states := heldStates{}
	_, err = v.ReplayTranscript(ctx, &m, ReplayOptions{Keep: func(segment uint32, state []byte) {
		if slices.Contains(m.Common, segment) {
			states[leaves[segment]] = state
		}
	}}, fetch)
	return states, err
}
