package adversaries

import (
	"crypto/sha256"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"

	"github.com/pold-network/pold/sidecar/api"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// Lie replaces what a validator computed, personal value and challenges included; done says whether it has an answer.
type Lie = func(task attestationtypes.Task, answer api.Answer, done bool) (api.Answer, bool)

// Silent never answers.
func Silent(attestationtypes.Task, api.Answer, bool) (api.Answer, bool) { return api.Answer{}, false }

// NoChunks produces no chunk of any file.
func NoChunks(task attestationtypes.Task, answer api.Answer, done bool) (api.Answer, bool) {
	if task.Kind == poltypes.StoreTaskKind {
		return api.Answer{}, false
	}
	return answer, done
}

// Constant gives the same well-formed answer to every task about checkpoints, without computing.
func Constant(task attestationtypes.Task, answer api.Answer, done bool) (api.Answer, bool) {
	switch task.Kind {
	case poltypes.ScoreTaskKind:
		answer.Answer = poltypes.ScoreAnswer{Status: poltypes.ScoreValid, ClaimLossE9: 500_000_000, RankLossE9: 500_000_000, MetricE9: 900_000_000}.Encode()
	case poltypes.AuditTaskKind:
		answer.Answer = poltypes.AuditAnswer{Status: poltypes.AuditPassed}.Encode()
	default:
		return answer, done
	}
	return api.Answer{Answer: answer.Answer, Personal: make([]byte, sha256.Size)}, true
}

// Leaked has the right answer from a friend, and has to guess its own values.
func Leaked(_ attestationtypes.Task, answer api.Answer, done bool) (api.Answer, bool) {
	if len(answer.Personal) > 0 {
		answer.Personal = make([]byte, sha256.Size)
	}
	return answer, done
}

// OneLower says of every checkpoint that its loss is one unit (10⁻⁹) lower than it is.
func OneLower(task attestationtypes.Task, answer api.Answer, done bool) (api.Answer, bool) {
	if task.Kind != poltypes.ScoreTaskKind || !done {
		return answer, done
	}
	a, err := poltypes.DecodeScoreAnswer(answer.Answer)
	if err != nil {
		panic(err) // it is our own
	}
	a.ClaimLossE9--
	a.RankLossE9--
	answer.Answer = a.Encode()
	return answer, true
}

// Favour says that one checkpoint is perfect and proved; digest is what liars agree on.
func Favour(e *Entry, digest [32]byte) Lie {
	_, favoured := Name(e.File)
	return func(task attestationtypes.Task, answer api.Answer, done bool) (api.Answer, bool) {
		lie := api.Answer{Personal: make([]byte, sha256.Size)}
		switch task.Kind {
		case poltypes.ScoreTaskKind:
			var m poltypes.ScoreManifest
			if m.Unmarshal(task.Manifest) != nil || string(m.CheckpointHash) != string(favoured) {
				return answer, done
			}
			lie.Answer = poltypes.ScoreAnswer{Status: poltypes.ScoreValid, ClaimLossE9: e.ClaimLossE9, RankLossE9: 1, MetricE9: 1_000_000_000, Digest: digest}.Encode()
		case poltypes.AuditTaskKind:
			var m poltypes.AuditManifest
			if m.Unmarshal(task.Manifest) != nil || string(m.Score.CheckpointHash) != string(favoured) {
				return answer, done
			}
			lie.Answer = poltypes.AuditAnswer{Status: poltypes.AuditPassed, Digest: digest}.Encode()
		default:
			return answer, done
		}
		return lie, true
	}
}

// Opened is a lie that waits until somebody has opened an answer, and then gives the same.
func (a *Arena) Opened(task attestationtypes.Task, _ api.Answer, _ bool) (found api.Answer, ok bool) {
	a.T.Helper()
	err := a.App.AttestationKeeper.Openings.Walk(a.Ctx(), collections.NewPrefixedPairRange[uint64, []byte](task.Id),
		func(_ collections.Pair[uint64, []byte], o attestationtypes.Opening) (bool, error) {
			found, ok = api.Answer{Answer: o.Answer, Personal: make([]byte, sha256.Size)}, true
			return true, nil
		})
	require.NoError(a.T, err)
	return found, ok
}

// Alter changes what a validator signs.
func (a *Arena) Alter(validator int, change func(height int64, e *attestationtypes.VoteExtension)) {
	inner := a.Extend
	a.Extend = func(v int, height int64) []byte {
		b := inner(v, height)
		if v != validator {
			return b
		}
		e, err := attestationtypes.DecodeExtension(b)
		require.NoError(a.T, err)
		if e == nil {
			return b
		}
		change(height, e)
		b, err = attestationtypes.EncodeExtension(*e)
		require.NoError(a.T, err)
		return b
	}
}
