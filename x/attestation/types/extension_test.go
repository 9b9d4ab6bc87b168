package types_test

import (
	"bytes"
	"testing"

	"github.com/cosmos/gogoproto/proto"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pold-network/pold/x/attestation/types"
)

var witness = bytes.Repeat([]byte{0xab}, 32)

func commits(ids ...uint64) []types.ExtensionCommit {
	var out []types.ExtensionCommit
	for _, id := range ids {
		out = append(out, types.ExtensionCommit{TaskId: id, Witness: witness})
	}
	return out
}

func openings(size int, ids ...uint64) []types.ExtensionOpening {
	var out []types.ExtensionOpening
	for _, id := range ids {
		out = append(out, types.ExtensionOpening{TaskId: id, Answer: bytes.Repeat([]byte{1}, size)})
	}
	return out
}

// upTo returns 1 to n.
func upTo(n int) []uint64 {
	var ids []uint64
	for i := range n {
		ids = append(ids, uint64(i+1))
	}
	return ids
}

func marshal(t testing.TB, e types.VoteExtension) []byte {
	b, err := proto.Marshal(&e)
	require.NoError(t, err)
	return b
}

func TestDecodeExtensionTakes(t *testing.T) {
	e, err := types.DecodeExtension(nil)
	require.NoError(t, err)
	require.Nil(t, e, "an empty extension comes from a node without a sidecar")

	for name, e := range map[string]types.VoteExtension{
		"a version alone, a sign of life": {Version: 1},
		"commits, openings and held bits": {Version: 1, Commits: commits(1, 5), Openings: openings(256, 2, 3), Held: []uint64{0, 9}},
		"a personal value":                {Version: 1, Commits: []types.ExtensionCommit{{TaskId: 1, Witness: witness, Personal: witness}}},
	} {
		got, err := types.DecodeExtension(marshal(t, e))
		require.NoError(t, err, name)
		require.True(t, proto.Equal(&e, got), name)
	}
}

func TestDecodeExtensionRefuses(t *testing.T) {
	valid := marshal(t, types.VoteExtension{Version: 1, Commits: commits(1)})
	unknown := protowire.AppendVarint(protowire.AppendTag(bytes.Clone(valid), 9, protowire.VarintType), 1)
	twice := append(marshal(t, types.VoteExtension{Version: 1}), marshal(t, types.VoteExtension{Version: 1})...)
	padded := append([]byte{0x08, 0x81, 0x00}, valid[2:]...)
	unpacked := append(marshal(t, types.VoteExtension{Version: 1}), 0x20, 0x07)

	for _, c := range []struct {
		name, want string
		b          []byte
	}{
		{"more than 4,096 bytes", "at most 4096 bytes", make([]byte, 4097)},
		{"bytes that are no protobuf", "invalid vote extension", []byte{0xff}},
		{"no version", "version: expected 1, got 0", marshal(t, types.VoteExtension{Commits: commits(1)})},
		{"an unknown version", "version: expected 1, got 2", marshal(t, types.VoteExtension{Version: 2})},
		{"a short witness", "expected 32 bytes, got 31", marshal(t, types.VoteExtension{Version: 1, Commits: []types.ExtensionCommit{{TaskId: 1, Witness: witness[1:]}}})},
		{"a short personal value", "expected 0 or 32 bytes, got 31", marshal(t, types.VoteExtension{Version: 1, Commits: []types.ExtensionCommit{{TaskId: 1, Witness: witness, Personal: witness[1:]}}})},
		{"a task committed to twice", "commits: expected ascending", marshal(t, types.VoteExtension{Version: 1, Commits: commits(1, 1)})},
		{"commits out of order", "commits: expected ascending", marshal(t, types.VoteExtension{Version: 1, Commits: commits(2, 1)})},
		{"an empty answer", "expected 1 to 256 bytes, got 0", marshal(t, types.VoteExtension{Version: 1, Openings: openings(0, 1)})},
		{"an answer of 257 bytes", "expected 1 to 256 bytes, got 257", marshal(t, types.VoteExtension{Version: 1, Openings: openings(257, 1)})},
		{"a task opened twice", "openings: expected ascending", marshal(t, types.VoteExtension{Version: 1, Openings: openings(1, 1, 1)})},
		{"an artefact held twice", "held: expected ascending", marshal(t, types.VoteExtension{Version: 1, Held: []uint64{3, 3}})},
		{"more held bits than there can be questions", "at most 256 entries", marshal(t, types.VoteExtension{Version: 1, Held: upTo(257)})},
		{"more openings than there can be tasks", "at most 256 entries", marshal(t, types.VoteExtension{Version: 1, Openings: openings(1, upTo(257)...)})},
		{"an unknown field", "canonical", unknown},
		{"a field given twice", "canonical", twice},
		{"a number with padding", "canonical", padded},
		{"held bits that are not packed", "canonical", unpacked},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := types.DecodeExtension(c.b)
			require.ErrorIs(t, err, types.ErrInvalidExtension)
			require.ErrorContains(t, err, c.want)
			require.Nil(t, e)
		})
	}
}

func TestEncodeExtensionSortsItsParts(t *testing.T) {
	b, err := encode(commits(3, 1, 2), openings(4, 9, 8), []uint64{7, 5})
	require.NoError(t, err)
	e, err := types.DecodeExtension(b)
	require.NoError(t, err)
	require.Equal(t, &types.VoteExtension{Version: 1, Commits: commits(1, 2, 3), Openings: openings(4, 8, 9), Held: []uint64{5, 7}}, e)
}

func TestEncodeExtensionKeepsTheOldestOfWhatDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		name                     string
		commits, openings, held  int
		answer                   int
		wantCommits, wantOpening int
	}{
		{"more commits than fit", 500, 0, 0, 1, 102, 0},
		{"openings go before commits", 500, 500, 0, 200, 2, 19},
		{"held bits go before all", 500, 0, 300, 1, 92, 0},
		{"small openings leave room for commits", 500, 10, 0, 100, 75, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := encode(commits(upTo(c.commits)...), openings(c.answer, upTo(c.openings)...), upTo(c.held))
			require.NoError(t, err)
			require.LessOrEqual(t, len(b), types.MaxExtensionSize)
			require.Greater(t, len(b), types.MaxExtensionSize-250, "what fits is used")
			e, err := types.DecodeExtension(b)
			require.NoError(t, err)
			require.Equal(t, min(c.held, types.MaxExtensionEntries), len(e.Held))
			require.Equal(t, c.wantCommits, len(e.Commits))
			require.Equal(t, c.wantOpening, len(e.Openings))
			for i, x := range e.Commits {
				require.Equal(t, uint64(i+1), x.TaskId)
			}
			for i, x := range e.Openings {
				require.Equal(t, uint64(i+1), x.TaskId)
			}
		})
	}
}

func TestEncodeExtensionNeverPassesTheCapWithTheLargestNumbers(t *testing.T) {
	var held []uint64
	for i := range uint64(300) {
		held = append(held, 1<<63+i)
	}
	var large []uint64
	for i := range uint64(300) {
		large = append(large, 1<<63+i)
	}
	b, err := encode(commits(large...), openings(1, large...), held)
	require.NoError(t, err)
	require.LessOrEqual(t, len(b), types.MaxExtensionSize)
	_, err = types.DecodeExtension(b)
	require.NoError(t, err)
}

func TestEncodeExtensionRefusesWhatNobodyWouldAccept(t *testing.T) {
	_, err := encode([]types.ExtensionCommit{{TaskId: 1, Witness: []byte("short")}}, nil, nil)
	require.ErrorIs(t, err, types.ErrInvalidExtension)
	_, err = encode(commits(1, 1), nil, nil)
	require.ErrorIs(t, err, types.ErrInvalidExtension)
}

func FuzzDecodeExtension(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x08, 0x01})
	f.Add(marshal(f, types.VoteExtension{Version: 1, Commits: commits(1, 2), Openings: openings(3, 4), Held: []uint64{5, 6}}))
	f.Add([]byte{0x08, 0x01, 0x22, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := types.DecodeExtension(b)
		if err != nil || e == nil {
			return
		}
		again, err := encode(e.Commits, e.Openings, e.Held)
		if err != nil {
			t.Fatalf("what was decoded can't be encoded: %s", err)
		}
		// Packing leaves a few bytes unused, so only an extension that is nearly full may lose entries.
		if len(b) < types.MaxExtensionSize-1024 && !bytes.Equal(b, again) {
			t.Fatalf("%x was accepted, but its canonical form is %x", b, again)
		}
	})
}

func FuzzEncodeExtension(f *testing.F) {
	f.Add(uint64(1), uint16(3), uint16(2), uint16(1), byte(4))
	f.Add(uint64(1<<62), uint16(300), uint16(300), uint16(300), byte(255))
	f.Fuzz(func(t *testing.T, first uint64, nCommits, nOpenings, nHeld uint16, size byte) {
		ids := func(n uint16) []uint64 {
			var out []uint64
			for i := range uint64(n % 600) {
				out = append(out, first%(1<<63)+i)
			}
			return out
		}
		b, err := encode(commits(ids(nCommits)...), openings(int(size)+1, ids(nOpenings)...), ids(nHeld))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := types.DecodeExtension(b); err != nil {
			t.Fatal(err)
		}
	})
}

// encode encodes an extension without a part in the beacon.
func encode(commits []types.ExtensionCommit, openings []types.ExtensionOpening, held []uint64) ([]byte, error) {
	return types.EncodeExtension(types.VoteExtension{Commits: commits, Openings: openings, Held: held})
}
