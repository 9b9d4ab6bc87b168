package server

import (
	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/verifier"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// bundle is what the chain asks about with one question: a file, or a transcript with the start states of some of its segments.
type bundle struct {
	file   object
	states []object
	// wants are the start states that only this validator replays: fetched ahead, but no part of the question.
	wants []object
	// complete says that it is known which states belong to it.
	complete bool
}

// newBundle reads a question of the chain.
func (w *Worker) newBundle(a attestationtypes.Artefact, operator string) (bundle, error) {
	file, err := newObject(a.Cid, a.Size_, a.Sha256)
	if err != nil || len(a.Manifest) == 0 {
		return bundle{file: file, complete: true}, err
	}
	b := bundle{file: file}
	var m poltypes.AuditManifest
	if err := verifier.DecodeManifest(&m, a.Manifest, w.chain.ChainID(), &m.Score.ChainId); err != nil {
		return b, err
	}
	b.states, b.wants, b.complete = w.segments(file, &m, operator, m.Own)
	return b, nil
}

// segments returns the start states that an audit needs, and those of the operator's own segments. They are known once the transcript
// has been fetched; what is no transcript has none.
func (w *Worker) segments(transcript object, m *poltypes.AuditManifest, operator string, own bool) (needs, wants []object, known bool) {
	w.watched[transcript] = true
	t, ok := w.transcripts[transcript]
	if !ok || t == nil || t.Header.Segments != int(m.Segments) {
		return nil, nil, ok
	}
	limit := uint64(engine.MaxStateSize(m.Score.Model.Spec()))
	states := func(segments []uint32) (objects []object) {
		for _, s := range segments {
			// The first state follows from the parent; one that is too large is a finding of the audit.
			if leaf := t.Leaves[s]; s > 0 && leaf.StateSize <= limit {
				objects = append(objects, object{cid: leaf.StateCID, size: leaf.StateSize, hash: leaf.State})
			}
		}
		return objects
	}
	if own {
		wants = states(poltypes.OwnSegments(m.AuditSeed, m.Trainer, operator, m.Segments, m.Common))
	}
	return states(m.Common), wants, true
}

// holds reports whether all objects are here.
func (w *Worker) holds(objects ...object) bool {
	for _, o := range objects {
		if d, ok := w.downloads[o]; !ok || !d.held {
			return false
		}
	}
	return true
}

// read keeps what a fetched file says about further ones.
func (w *Worker) read(o object, file []byte) {
	if namesValues(file) {
		w.valued[o] = true
	}
	if !w.watched[o] {
		return
	}
	t, err := engine.ParseTranscript(file)
	if err != nil {
		t = nil // the audit will say so
	}
	w.transcripts[o] = t
}
