package swarm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// stream is the byte stream of testdata/cids.py.
func stream(n int) []byte {
	out := make([]byte, 0, n+32)
	for i := uint64(0); len(out) < n; i++ {
		var counter [8]byte
		binary.BigEndian.PutUint64(counter[:], i)
		sum := sha256.Sum256(counter[:])
		out = append(out, sum[:]...)
	}
	return out[:n]
}

// content makes bytes that differ from those of another seed in every chunk.
func content(seed string, n int) []byte {
	key := sha256.Sum256([]byte(seed))
	out := stream(n)
	for i := range out {
		out[i] ^= key[i%32]
	}
	return out
}

func expect(data []byte) Expect {
	return Expect{Size: int64(len(data)), SHA256: sha256.Sum256(data)}
}

func testConfig(t *testing.T) Config {
	t.Helper()
	return Config{Home: t.TempDir(), LoopbackOnly: true}
}

func open(t *testing.T, cfg Config) *Node {
	t.Helper()
	n, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close()) })
	return n
}

func openNodes(t *testing.T, count int) []*Node {
	t.Helper()
	out := make([]*Node, count)
	for i := range out {
		out[i] = open(t, testConfig(t))
	}
	return out
}

func infoOf(n *Node) PeerInfo { return PeerInfo{PeerID: n.PeerID(), Addresses: n.Addresses()} }

// introduce makes the nodes neighbours of each other and waits until they are
// connected.
func introduce(t *testing.T, nodes ...*Node) {
	t.Helper()
	var all []PeerInfo
	for _, n := range nodes {
		all = append(all, infoOf(n))
	}
	for _, n := range nodes {
		require.NoError(t, n.SetPeers(t.Context(), all))
	}
	for _, n := range nodes {
		for _, other := range nodes {
			if other != n {
				waitConnected(t, n, other)
			}
		}
	}
}

func waitConnected(t *testing.T, n, other *Node) {
	t.Helper()
	eventually(t, "connection", func() bool { return slices.Contains(n.Connected(), other.PeerID()) })
}

// eventually waits for something that needs no fixed time; the limit only ends
// a test that would hang.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("waited in vain for: %s", what)
}

func add(t *testing.T, n *Node, data []byte) Object {
	t.Helper()
	obj, err := n.Add(t.Context(), data)
	require.NoError(t, err)
	return obj
}

func fetch(t *testing.T, n *Node, id string, want []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got, err := n.Fetch(ctx, id, expect(want))
	require.NoError(t, err)
	require.True(t, string(got) == string(want), "fetched bytes differ")
}

// objectFiles lists the files of objects in a home.
func objectFiles(t *testing.T, home string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(home, "objects", "*", "*"))
	require.NoError(t, err)
	return files
}

// objectFile is the file with the bytes of an object, whole or not.
func objectFile(t *testing.T, home, id string) string {
	t.Helper()
	for _, f := range objectFiles(t, home) {
		if name := filepath.Base(f); name == id || name == id+".part" {
			return f
		}
	}
	t.Fatalf("object %s is not on disk", id)
	return ""
}

// damage flips one bit of a chunk on disk.
func damage(t *testing.T, home, id string, chunk int) {
	t.Helper()
	f, err := os.OpenFile(objectFile(t, home, id), os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	var b [1]byte
	_, err = f.ReadAt(b[:], int64(chunk)*ChunkSize)
	require.NoError(t, err)
	b[0] ^= 1
	_, err = f.WriteAt(b[:], int64(chunk)*ChunkSize)
	require.NoError(t, err)
}

// part makes a node hold some chunks of data.
func part(t *testing.T, n *Node, data []byte, keep func(int) bool) Object {
	t.Helper()
	obj, err := n.AddPart(t.Context(), bytes.NewReader(data), int64(len(data)), keep)
	require.NoError(t, err)
	return obj
}
