package types_test

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/pol/types"
)

func scoreAnswer() types.ScoreAnswer {
	a := types.ScoreAnswer{Status: types.ScoreNotFinite, ClaimLossE9: 0x0102030405060708, RankLossE9: 0x1112131415161718, MetricE9: 0x2122232425262728}
	for i := range a.Digest {
		a.Digest[i] = byte(0x80 + i)
	}
	return a
}

func TestScoreAnswerHasTheStatedBytes(t *testing.T) {
	require.Equal(t, "0103"+"0102030405060708"+"1112131415161718"+"2122232425262728"+
		"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", hex.EncodeToString(scoreAnswer().Encode()))
	back, err := types.DecodeScoreAnswer(scoreAnswer().Encode())
	require.NoError(t, err)
	require.Equal(t, scoreAnswer(), back)
}

func TestEveryByteOfAScoreAnswerCounts(t *testing.T) {
	good := scoreAnswer().Encode()
	for i := range good {
		b := append([]byte(nil), good...)
		b[i] ^= 0x40
		back, err := types.DecodeScoreAnswer(b)
		if i < 2 { // version and finding
			require.Error(t, err, "byte %d", i)
			continue
		}
		require.NoError(t, err)
		require.NotEqual(t, scoreAnswer(), back, "byte %d", i)
	}
	for _, b := range [][]byte{nil, good[:len(good)-1], append(good, 0)} {
		_, err := types.DecodeScoreAnswer(b)
		require.ErrorContains(t, err, "expected 58 bytes")
	}
}

func TestFindingsReadAsWords(t *testing.T) {
	for status, words := range map[types.ScoreStatus]string{
		0: "valid", 1: "not a canonical safetensors file", 2: "tensors do not fit the model", 3: "weights or loss are not finite",
		4: "the training set does not suit the model", 5: "a sealed batch is not what its provider committed to", 9: "unknown finding 9",
	} {
		require.Equal(t, words, status.String())
	}
}

func TestTheLastFindingOfAScoreIsABadBatch(t *testing.T) {
	a := scoreAnswer()
	for status, known := range map[types.ScoreStatus]bool{types.ScoreBadBatch: true, types.ScoreBadBatch + 1: false} {
		a.Status = status
		_, err := types.DecodeScoreAnswer(a.Encode())
		require.Equal(t, known, err == nil, "%d", status)
	}
}

func FuzzDecodeScoreAnswer(f *testing.F) {
	f.Add(scoreAnswer().Encode())
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := types.DecodeScoreAnswer(b); err == nil {
			require.Equal(t, b, a.Encode(), "an answer has one encoding")
		}
	})
}

func TestSubmissionReferencesRoundTrip(t *testing.T) {
	for _, r := range []types.SubmissionRef{{Group: "digits", Round: 1, Trainer: account(1)}, {Group: "g0", Round: 1<<64 - 1}} {
		back, err := types.DecodeSubmissionRef(r.Encode())
		require.NoError(t, err)
		require.Equal(t, r, back)
	}
	for _, bad := range []string{"", "digits/1", "digits/x/t", "digits/1/t/u", "digits/-1/t"} {
		_, err := types.DecodeSubmissionRef([]byte(bad))
		require.ErrorContains(t, err, "submission reference", bad)
	}
}

func TestAuditReferencesRoundTrip(t *testing.T) {
	sub := types.SubmissionRef{Group: "digits", Round: 7, Trainer: account(1)}
	for _, r := range []types.AuditRef{{SubmissionRef: sub}, {SubmissionRef: sub, Challenge: true}, {SubmissionRef: sub, Challenge: true, Segment: 63}} {
		back, err := types.DecodeAuditRef(r.Encode())
		require.NoError(t, err)
		require.Equal(t, r, back)
	}
	for _, bad := range []string{"", "digits/1", "digits/1/t/", "digits/1/t/-1", "digits/1/t/4294967296", "digits/x/t/1", "digits/1/t/1/2"} {
		_, err := types.DecodeAuditRef([]byte(bad))
		require.ErrorContains(t, err, "reference", bad)
	}
}

func TestDrawReferencesRoundTrip(t *testing.T) {
	for _, purpose := range []string{types.DrawOrder, types.DrawScore, types.DrawAudit} {
		r := types.DrawRef{Group: "digits", Round: 3, Purpose: purpose}
		back, err := types.DecodeDrawRef(r.Encode())
		require.NoError(t, err)
		require.Equal(t, r, back)
	}
	for _, bad := range []string{"", "digits/1", "digits/1/luck", "digits/x/order"} {
		_, err := types.DecodeDrawRef([]byte(bad))
		require.ErrorContains(t, err, "draw", bad)
	}
}
