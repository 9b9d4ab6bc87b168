package trainer

import (
	"context"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/verifier"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// RecordFunc trains and keeps the transcript; engine.Record is one.
type RecordFunc func(m *engine.Model, d *engine.Data, o engine.Objective, h engine.TranscriptHeader, keep engine.Keep,
	progress func(step int, loss float32) bool) (*engine.Transcript, error)

// prove trains and keeps the state at the start of every segment in the store, where nobody can find it before the transcript is
// revealed. When it fails it leaves nothing behind.
func (t *Trainer) prove(ctx context.Context, model *engine.Model, rows *verifier.Rows, recipe engine.Recipe, g poltypes.Group, r poltypes.Round,
	progress func(step int, loss float32) bool) (*engine.Transcript, error) {
	header := engine.TranscriptHeader{Recipe: recipe, Segments: int(g.Settings.Segments)}
	copy(header.Context[:], poltypes.TranscriptContext(t.chain.ChainID(), g.Name, r.Number, t.sender.Address()))
	copy(header.DataRoot[:], r.Table.Root)
	var kept []string
	keep := func(_ int, state, trace []byte) (stateCID, traceCID string, err error) {
		if stateCID, err = t.store.Add(ctx, state); err != nil {
			return "", "", err
		}
		kept = append(kept, stateCID)
		if trace == nil {
			return stateCID, "", nil
		}
		if traceCID, err = t.store.Add(ctx, trace); err == nil {
			kept = append(kept, traceCID)
		}
		return stateCID, traceCID, err
	}
	transcript, err := t.record(model, rows.Training, engine.Objective(g.Settings.Objective), header, keep, progress)
	if err != nil {
		t.removeAll(kept)
		return nil, err
	}
	return transcript, nil
}

// forget removes the files that a transcript names, which is nil in proof mode SCORED.
func (t *Trainer) forget(transcript *engine.Transcript) {
	if transcript != nil {
		t.removeAll(filesOf(transcript))
	}
}

func filesOf(transcript *engine.Transcript) []string {
	var files []string
	for _, l := range transcript.Leaves {
		files = append(files, l.StateCID)
		if l.TraceCID != "" {
			files = append(files, l.TraceCID)
		}
	}
	return files
}

func (t *Trainer) removeAll(files []string) {
	for _, cid := range files {
		if err := t.store.Remove(cid); err != nil { // two leaves may name the same file
			t.log.Debug("nothing to remove", "cid", cid, "error", err)
		}
	}
}

// forgetEntry removes the states of an entry whose round is over.
func (t *Trainer) forgetEntry(e Entry) {
	if b, err := t.journal.transcript(e); err == nil && b != nil {
		if transcript, err := engine.ParseTranscript(b); err == nil {
			t.forget(transcript)
		}
	}
}

// provideStates announces the states that the audit seed has drawn, and the others of the same transcript: validators draw their own.
func (t *Trainer) provideStates(ctx context.Context, e Entry) {
	b, err := t.journal.transcript(e)
	if err != nil || b == nil {
		return
	}
	transcript, err := engine.ParseTranscript(b)
	if err != nil {
		return
	}
	for _, cid := range filesOf(transcript) {
		if err := t.store.Provide(ctx, cid); err != nil && ctx.Err() == nil {
			t.log.Debug("could not announce a state", "cid", cid, "error", err)
		}
	}
}
