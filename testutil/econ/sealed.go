package econ

import (
	"crypto/sha256"
	"fmt"

	"cosmossdk.io/math"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

func keyOf(round uint64) []byte {
	k := sha256.Sum256(fmt.Appendf(nil, "key of round %d", round))
	return k[:]
}

// provide hands in the sealed batches of all rounds that may be prepared, and at first the provider's bond. The provider is
// correct on the chain; that it shows the rows to a friend is something that no chain can see.
func (w *world) provide() error {
	m := &poltypes.MsgProvideBatches{Sender: accountOf("provider"), Group: "sealed", Bond: math.ZeroInt()}
	if w.played == 0 {
		m.Bond = math.NewInt(purse * NRN)
	}
	for n := range uint64(poltypes.MaxBatchesAhead) {
		round := uint64(w.played) + n + 1
		file := sha256.Sum256(fmt.Appendf(nil, "batch of round %d", round))
		hash := sha256.Sum256(keyOf(round))
		m.Batches = append(m.Batches, poltypes.SealedBatchInfo{
			Round: round, Cid: cidOf(file[:]), Sha256: file[:], Size_: 1_000, TableSha256: file[:], Rows: 20, KeyHash: hash[:],
		})
	}
	return w.send(m)
}

// revealKey shows the key of the round, and prepares more rounds when the last prepared one is used.
func (w *world) revealKey(g *group) error {
	r, err := w.current(g)
	if err != nil || len(r.Batches) == 0 || len(r.Batches[0].Key) > 0 {
		return err
	}
	if err := w.send(&poltypes.MsgRevealBatchKey{Sender: accountOf("provider"), Group: g.name, Round: r.Number, Key: keyOf(r.Number)}); err != nil {
		return err
	}
	if w.played%poltypes.MaxBatchesAhead == 0 {
		return w.provide()
	}
	return nil
}
