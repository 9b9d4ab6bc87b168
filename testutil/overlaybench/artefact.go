package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/pold-network/pold/sidecar/swarm"
)

const mib = 1 << 20

// artefact is a file to be moved.
type artefact struct {
	path   string
	size   int64
	sha256 [32]byte
}

// newArtefact writes size pseudo-random bytes to path, the same for the same seed. They do not compress and no two chunks are equal.
func newArtefact(path string, size int64, seed uint64) (a artefact, err error) {
	f, err := os.Create(path)
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	hash, out := sha256.New(), bufio.NewWriterSize(f, mib)
	if _, err := io.CopyN(io.MultiWriter(hash, out), rand.NewChaCha8(key), size); err != nil {
		return a, fmt.Errorf("write an artefact of %d bytes: %w", size, err)
	}
	if err := out.Flush(); err != nil {
		return a, fmt.Errorf("write an artefact of %d bytes: %w", size, err)
	}
	return artefact{path: path, size: size, sha256: [32]byte(hash.Sum(nil))}, nil
}

// String names an artefact by its size, which is a multiple of 1 MiB.
func (a artefact) String() string { return fmt.Sprintf("%d MiB", a.size/mib) }

// chunks are the numbers of the chunks that the overlay cuts it into.
func (a artefact) chunks() []int {
	numbers := make([]int, (a.size+swarm.ChunkSize-1)/swarm.ChunkSize)
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}
