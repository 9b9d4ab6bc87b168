package verifier

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/pold-network/pold/engine"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	// maxRowBytes bounds the parsed tables that are kept; the one in use always stays.
	maxRowBytes = 64 << 20
	// maxFigureBytes bounds the evaluations that are kept: a round's winner is scored again as the parent of the next.
	maxFigureBytes = 32 << 20
)

// AddFunc takes the table that a delta leads to and returns its CID. A validator's stores the file, because the chain may adopt it at
// once; elsewhere it may do no more than compute the CID.
type AddFunc func(ctx context.Context, m *trainingsettypes.DataManifest, file []byte) (cid string, err error)

// Verifier computes answers and keeps what the next one is likely to need again. It may be used from several goroutines.
type Verifier struct {
	// Add is set before the first use. A verifier without it abstains from tasks about deltas.
	Add AddFunc

	rows    *cache[dataKey, *Rows]
	sealed  *cache[string, *engine.Data]
	figures *cache[figuresKey, Figures]
}

type figuresKey struct {
	data       dataKey
	evaluation poltypes.EvaluationMode
	model      string
	mapping    string
	batches    string
	file       [sha256.Size]byte
}

// New returns a verifier with empty caches.
func New() *Verifier {
	return &Verifier{rows: newCache[dataKey, *Rows](maxRowBytes), sealed: newCache[string, *engine.Data](maxRowBytes),
		figures: newCache[figuresKey, Figures](maxFigureBytes)}
}

// Rows returns the two sides of the pinned table. It fetches the table unless its rows are still in memory.
func (v *Verifier) Rows(ctx context.Context, in Inputs, fetch FetchFunc) (*Rows, error) {
	spec, err := in.spec()
	if err != nil {
		return nil, err
	}
	key := in.dataKey()
	if rows, ok := v.rows.get(key); ok {
		return rows, nil
	}
	file, err := fetch(ctx, in.Table.Cid, in.Table.Size_, in.Table.Sha256)
	if err != nil {
		return nil, fmt.Errorf("training set %q: table %s: %w", in.TrainingSet, in.Table.Cid, err)
	}
	rows, err := in.load(ctx, spec, file, fetch)
	if err != nil {
		return nil, fmt.Errorf("training set %q: %w", in.TrainingSet, err)
	}
	v.rows.put(key, rows, rows.size())
	return rows, nil
}
