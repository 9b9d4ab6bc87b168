package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm"
	"github.com/pold-network/pold/sidecar/verifier"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// Whoever recomputes an answer has to find the CID that the stores of validators give.
func TestALargeTableThatADeltaLeadsToGetsTheCIDOfAStore(t *testing.T) {
	var base bytes.Buffer
	base.WriteString("x,y\n")
	for i := range 200_000 {
		fmt.Fprintf(&base, "%d,0\n", i)
	}
	body := []byte("--- a/set\n+++ b/set\n@@ -1 +1,2 @@\n x,y\n+0.5,1\n")
	table, delta := sha256.Sum256(base.Bytes()), sha256.Sum256(body)
	m := trainingsettypes.DataManifest{ChainId: testChain, Name: "set", Version: 1,
		Table: trainingsettypes.Table{Cid: "base", Sha256: table[:], Size_: uint64(base.Len())},
		Delta: &trainingsettypes.Delta{Cid: "body", Sha256: delta[:], Size_: uint64(len(body))}}
	manifest, err := m.Marshal()
	require.NoError(t, err)
	node, err := swarm.Open(t.Context(), swarm.Config{Home: t.TempDir(), LoopbackOnly: true})
	require.NoError(t, err)
	defer node.Close()
	overlay := &overlay{node: node}
	var answers [][]byte
	for _, add := range []verifier.AddFunc{nameOnly, func(ctx context.Context, _ *trainingsettypes.DataManifest, file []byte) (string, error) {
		return overlay.Add(ctx, file)
	}} {
		v := verifier.New()
		v.Add = add
		r, err := v.Compute(t.Context(), testChain, verifier.Task{ID: 3, Kind: trainingsettypes.DataTaskKind, Manifest: manifest}, "polvaloper1one",
			func(_ context.Context, cid string, _ uint64, _ []byte) ([]byte, error) {
				switch cid {
				case "base":
					return base.Bytes(), nil
				case "body":
					return body, nil
				}
				return nil, errors.New("nobody holds it")
			})
		require.NoError(t, err)
		answers = append(answers, r.Answer)
	}
	require.Equal(t, answers[0], answers[1])
	a, err := trainingsettypes.DecodeDataAnswer(answers[0])
	require.NoError(t, err)
	require.Equal(t, uint64(200_001), a.Rows)
	cid, err := a.CID()
	require.NoError(t, err)
	stored, err := overlay.Fetch(t.Context(), cid, a.Size, a.SHA256[:])
	require.NoError(t, err)
	require.Equal(t, "x,y\n0.5,1\n0,0\n", string(stored[:14]))
	require.Equal(t, "bafy", cid[:4], "the root of a tree of chunks")
}
