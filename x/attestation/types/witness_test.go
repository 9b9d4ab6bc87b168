package types_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/attestation/types"
)

// The vectors were computed by a program of its own, from the sentence in the protocol.
func TestWitnessesAreThoseOfTheVectors(t *testing.T) {
	file, err := os.ReadFile("testdata/witness.json")
	require.NoError(t, err)
	var vectors []struct {
		Name     string `json:"name"`
		ChainID  string `json:"chain_id"`
		TaskID   uint64 `json:"task_id,string"`
		Operator string `json:"operator"`
		Answer   string `json:"answer"`
		Witness  string `json:"witness"`
	}
	require.NoError(t, json.Unmarshal(file, &vectors))
	require.NotEmpty(t, vectors)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			answer, err := hex.DecodeString(v.Answer)
			require.NoError(t, err)
			require.Equal(t, v.Witness, hex.EncodeToString(types.WitnessOf(v.ChainID, v.TaskID, v.Operator, answer)))
		})
	}
}

func TestAWitnessBindsEveryField(t *testing.T) {
	witness := types.WitnessOf("pold-1", 7, "alice", []byte("answer"))
	require.Len(t, witness, 32)
	for name, other := range map[string][]byte{
		"another chain":               types.WitnessOf("pold-2", 7, "alice", []byte("answer")),
		"another task":                types.WitnessOf("pold-1", 8, "alice", []byte("answer")),
		"another operator":            types.WitnessOf("pold-1", 7, "bob", []byte("answer")),
		"another answer":              types.WitnessOf("pold-1", 7, "alice", []byte("answes")),
		"a byte moved between fields": types.WitnessOf("pold-1", 7, "alicea", []byte("nswer")),
	} {
		require.False(t, bytes.Equal(witness, other), name)
	}
}
