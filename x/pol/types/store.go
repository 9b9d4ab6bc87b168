package types

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	// StoreTaskKind is the kind of task that asks for chunks of a file that a group uses now. It shows that the network can produce
	// them within a short window, not how many copies there are.
	StoreTaskKind = "store"
	// ChunkSize is the length in bytes of every chunk of a file but the last: that of the leaves behind its content identifier.
	ChunkSize = 1 << 20
	// MaxStoreChunks bounds how many chunks one store task asks for, MaxStoreTasks how many store tasks one block opens.
	MaxStoreChunks = 16
	MaxStoreTasks  = 16
	// StoreAnswerSize is the length of an answer in bytes.
	StoreAnswerSize = sha256.Size
)

const (
	storeDomain       = "pold/pol/store/v1"
	storeChunksDomain = "pold/pol/store-chunks/v1"
	storeTurnDomain   = "pold/pol/store-turn/v1"
)

// StoredFile is a file that a group uses.
type StoredFile struct {
	File   StoreFile
	Cid    string
	Sha256 []byte
	Size   uint64
}

// StoredFiles returns what a group uses now, in a fixed order: its table, the checkpoint that rounds start from (what a new lineage
// keeps weights of, before its first win), and the transcript behind it. table and winner are nil when the chain does not know them.
func StoredFiles(g Group, table *trainingsettypes.Table, winner *Submission) []StoredFile {
	var files []StoredFile
	add := func(f StoredFile) {
		if f.Cid != "" && f.Size > 0 {
			files = append(files, f)
		}
	}
	if table != nil {
		add(StoredFile{STORE_FILE_TABLE, table.Cid, table.Sha256, table.Size_})
	}
	checkpoint := g.Parent
	if checkpoint.Cid == "" && g.Carried != nil {
		checkpoint = g.Carried.Checkpoint
	}
	add(StoredFile{STORE_FILE_CHECKPOINT, checkpoint.Cid, checkpoint.Sha256, checkpoint.Size_})
	// In a fork the round that made the checkpoint is one of another group.
	if w := winner; w != nil && w.Status == SUBMISSION_STATUS_WINNER && checkpoint.Cid != "" && bytes.Equal(w.CheckpointHash, checkpoint.Sha256) {
		add(StoredFile{STORE_FILE_TRANSCRIPT, w.TranscriptCid, w.TranscriptRoot, w.TranscriptSize})
	}
	return files
}

// StoreSeed returns the 32-byte seed of a group's store task from that of the draw.
func StoreSeed(seed []byte, group string) []byte {
	return attestationtypes.HashFields([]byte(storeTurnDomain), seed, []byte(group))
}

// DrawFile returns one of the files of a group, each equally likely; there has to be one.
func DrawFile(storeSeed []byte, files []StoredFile) StoredFile {
	return files[drawDistinct(storeTurnDomain, storeSeed, uint64(len(files)), 1)[0]]
}

// SortStoreTurns puts the groups that get their store task first to the front: those that wait for more whole intervals, so that none
// waits for ever, and among these as the seed draws them.
func SortStoreTurns(turns []StoreTurn, seed []byte, height int64, interval uint64) {
	drawn := make(map[string][]byte, len(turns)) // read by key only
	for _, t := range turns {
		drawn[t.Group] = StoreSeed(seed, t.Group)
	}
	waits := func(t StoreTurn) int64 { return (height - t.Due) / int64(max(interval, 1)) }
	slices.SortFunc(turns, func(a, b StoreTurn) int {
		return cmp.Or(cmp.Compare(waits(b), waits(a)), bytes.Compare(drawn[a.Group], drawn[b.Group]))
	})
}

// Word names what a file is for, as people say it.
func (f StoreFile) Word() string {
	words := [...]string{"unknown", "table", "checkpoint", "transcript"}
	if f < 0 || int(f) >= len(words) {
		return words[0]
	}
	return words[f]
}

// NewStoreManifest pins what a store task asks for: count chunks of a file, or all when it has fewer.
func NewStoreManifest(chainID, group string, f StoredFile, storeSeed []byte, count uint32) *StoreManifest {
	return &StoreManifest{
		ChainId: chainID, Group: group, File: f.File, Cid: f.Cid, Sha256: f.Sha256, Size_: f.Size, ChunkSize: ChunkSize, Seed: storeSeed,
		Chunks: uint32(min(uint64(count), ChunkCount(f.Size))),
	}
}

// ChunkCount returns how many chunks a file of size bytes has.
func ChunkCount(size uint64) uint64 {
	if size%ChunkSize != 0 {
		return size/ChunkSize + 1
	}
	return size / ChunkSize
}

// StoreChunks returns the indexes, counted from 0, of count chunks of a file: different, ascending, each as likely as any other; all
// when there are not more than that.
func StoreChunks(seed []byte, size uint64, count uint32) []uint64 {
	return drawDistinct(storeChunksDomain, seed, ChunkCount(size), min(count, MaxStoreChunks))
}

// drawDistinct returns count different numbers below n in ascending order, or all n of them.
func drawDistinct(domain string, seed []byte, n uint64, count uint32) []uint64 {
	if n == 0 {
		return nil
	}
	want := int(min(n, uint64(count)))
	drawn := make([]uint64, 0, want)
	// Beyond the last whole stretch of n numbers the lower remainders would be more likely than the others.
	whole := math.MaxUint64 - math.MaxUint64%n
	for i := uint64(0); len(drawn) < want; i++ {
		h := binary.BigEndian.Uint64(attestationtypes.HashFields([]byte(domain), seed, binary.BigEndian.AppendUint64(nil, i)))
		if h < whole && !slices.Contains(drawn, h%n) {
			drawn = append(drawn, h%n)
		}
	}
	slices.Sort(drawn)
	return drawn
}

// Validate checks the shape of pinned inputs.
func (m *StoreManifest) Validate() error {
	if m.Cid == "" || m.Size_ == 0 || m.Size_ > math.MaxInt64 {
		return fmt.Errorf("store manifest: expected a content identifier and a size, got %q and %d bytes", m.Cid, m.Size_)
	}
	if m.ChunkSize != ChunkSize || len(m.Seed) != sha256.Size {
		return fmt.Errorf("store manifest: expected chunks of %d bytes and a seed of %d, got %d and %d", ChunkSize, sha256.Size, m.ChunkSize, len(m.Seed))
	}
	if most := min(MaxStoreChunks, ChunkCount(m.Size_)); m.Chunks == 0 || uint64(m.Chunks) > most {
		return fmt.Errorf("store manifest: expected 1 to %d chunks, got %d", most, m.Chunks)
	}
	return nil
}

// Indexes returns the chunks that the task asks for, counted from 0.
func (m *StoreManifest) Indexes() []uint64 { return StoreChunks(m.Seed, m.Size_, m.Chunks) }

// ChunkLength returns the length in bytes of a chunk of the file.
func (m *StoreManifest) ChunkLength(index uint64) uint64 {
	return min(ChunkSize, m.Size_-min(m.Size_, index*ChunkSize))
}

// Cost is what the task costs: the bytes that it asks for.
func (m *StoreManifest) Cost() uint64 {
	var cost uint64
	for _, index := range m.Indexes() {
		cost += m.ChunkLength(index)
	}
	return cost
}

// Answer returns the answer: SHA-256 over a domain, the chain, the content identifier, the seed, and for each drawn chunk its index and
// its bytes, every field after its length as four big-endian bytes. Nobody can give it without all these bytes. chunk returns the bytes of
// one of them.
func (m *StoreManifest) Answer(chunk func(index uint64) ([]byte, error)) ([]byte, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	fields := [][]byte{[]byte(storeDomain), []byte(m.ChainId), []byte(m.Cid), m.Seed}
	for _, index := range m.Indexes() {
		b, err := chunk(index)
		if err != nil {
			return nil, fmt.Errorf("chunk %d of %s: %w", index, m.Cid, err)
		}
		if expected := m.ChunkLength(index); uint64(len(b)) != expected {
			return nil, fmt.Errorf("chunk %d of %s: expected %d bytes, got %d", index, m.Cid, expected, len(b))
		}
		fields = append(fields, binary.BigEndian.AppendUint64(nil, index), b)
	}
	return attestationtypes.HashFields(fields...), nil
}
