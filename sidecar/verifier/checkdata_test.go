package verifier

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/dataset/digits"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

func rootOf(file []byte) ([]byte, error) {
	table, err := dataset.Parse(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	root := table.Root()
	return root[:], nil
}

func manifestOf(file []byte) *trainingsettypes.DataManifest {
	sum := sha256.Sum256(file)
	return &trainingsettypes.DataManifest{ChainId: "test-1", Name: "set", Version: 1, Table: trainingsettypes.Table{Sha256: sum[:], Size_: uint64(len(file))}}
}

func TestCheckDataFindsWhatATableHolds(t *testing.T) {
	a, err := CheckData(t.Context(), manifestOf(digits.CSV()), digits.CSV(), []byte("manifest"), nil)
	require.NoError(t, err)
	require.Equal(t, trainingsettypes.DataValid, a.Status)
	require.Equal(t, uint64(digits.Rows), a.Rows)
	require.Equal(t, uint32(digits.Features+1), a.Columns)
	require.Equal(t, digits.Root, hex.EncodeToString(a.Root[:]))

	other, err := CheckData(t.Context(), manifestOf(digits.CSV()), digits.CSV(), []byte("another manifest"), nil)
	require.NoError(t, err)
	require.NotEqual(t, a.Digest, other.Digest, "the digest is bound to the task")
}

func TestDataDigestCoversDomainManifestAndEveryRow(t *testing.T) {
	file := []byte("x,y\n1,2\n3,4\n")
	a, err := CheckData(t.Context(), manifestOf(file), file, []byte{9}, nil)
	require.NoError(t, err)
	want := sha256.Sum256([]byte("\x00\x00\x00\x0cpold/data/v1\x00\x00\x00\x01\x09\x00\x00\x00\x031,2\x00\x00\x00\x033,4"))
	require.Equal(t, want, a.Digest)
}

func TestFaultyTablesAreFindings(t *testing.T) {
	for _, c := range []struct {
		name, file string
		status     trainingsettypes.DataStatus
	}{
		{"a row appears twice", "x,y\n1,2\n1,2\n", trainingsettypes.DataDuplicateRow},
		{"a text in a cell", "x,y\n1,cat\n", trainingsettypes.DataNotNumeric},
		{"an empty cell", "x,y\n1,\n", trainingsettypes.DataNotNumeric},
		{"not a number", "x,y\n1,NaN\n", trainingsettypes.DataNotNumeric},
		{"a number in another spelling", "x,y\n1,2.0\n", trainingsettypes.DataNotCanonical},
		{"an exponent", "x,y\n1,2e3\n", trainingsettypes.DataNotCanonical},
		{"a missing cell", "x,y\n1\n", trainingsettypes.DataNotCanonical},
		{"a surplus cell", "x,y\n1,2,3\n", trainingsettypes.DataNotCanonical},
		{"an empty line", "x,y\n\n1,2\n", trainingsettypes.DataNotCanonical},
		{"no newline at the end", "x,y\n1,2", trainingsettypes.DataNotCanonical},
		{"two columns of one name", "x,x\n1,2\n", trainingsettypes.DataNotCanonical},
		{"no rows", "x,y\n", trainingsettypes.DataNotCanonical},
		{"Windows line ends", "x,y\r\n1,2\r\n", trainingsettypes.DataNotCanonical},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := []byte(c.file)
			a, err := CheckData(t.Context(), manifestOf(file), file, []byte("manifest"), nil)
			require.NoError(t, err)
			require.Equal(t, c.status, a.Status, a.Status.String())
			require.Zero(t, a.Rows)
			require.Zero(t, a.Root)
			require.NotZero(t, a.Digest)
			decoded, err := trainingsettypes.DecodeDataAnswer(a.Encode())
			require.NoError(t, err)
			require.Equal(t, a, decoded)
		})
	}
}

func TestBytesThatWereNotRegisteredMeanAbstaining(t *testing.T) {
	m := manifestOf(digits.CSV())
	changed := digits.CSV()
	changed[len(changed)-2] ^= 1
	_, err := CheckData(t.Context(), m, changed, nil, nil)
	require.ErrorContains(t, err, "SHA-256")
	_, err = CheckData(t.Context(), m, digits.CSV()[:100], nil, nil)
	require.ErrorContains(t, err, "bytes")
}

func FuzzCheckDataIsAFunctionOfTheBytes(f *testing.F) {
	f.Add([]byte("x,y\n1,2\n"))
	f.Add([]byte("x,y\n1,cat\n"))
	f.Add([]byte("x\n1\n1\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		a, err := CheckData(t.Context(), manifestOf(file), file, []byte("m"), files{}.fetch)
		if err != nil && !strings.Contains(string(file), ":cid") { // values can be missing
			t.Fatalf("the registered bytes always have a finding: %v", err)
		}
		b, _ := CheckData(t.Context(), manifestOf(file), bytes.Clone(file), []byte("m"), files{}.fetch)
		if a != b {
			t.Fatalf("two findings for one table: %+v and %+v", a, b)
		}
	})
}
