package dataset

import (
	"crypto/sha256"
	"fmt"
	"math/bits"
)

// Prefixes that keep leaves and inner nodes apart (RFC 6962, section 2.1).
const (
	leafPrefix = 0x00
	nodePrefix = 0x01
)

// LeafHash returns SHA-256(0x00 ‖ row), a row's leaf in the tree.
func LeafHash(row []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte{leafPrefix})
	h.Write(row)
	return [32]byte(h.Sum(nil))
}

func nodeHash(left, right [32]byte) [32]byte {
	var node [1 + 32 + 32]byte
	node[0] = nodePrefix
	copy(node[1:], left[:])
	copy(node[33:], right[:])
	return sha256.Sum256(node[:])
}

// Root returns the RFC 6962 Merkle tree hash over the rows in file order, each
// without its LF; the header is not part of it. It hashes every row on each call.
func (t *Table) Root() [32]byte { return treeHash(0, t.Rows(), t.Row) }

// Proof returns the inclusion proof of example i: the sibling hashes from the leaf
// to the root, at most 22 of them. It hashes every row on each call.
func (t *Table) Proof(i int) ([][32]byte, error) {
	if i < 0 || i >= t.Rows() {
		return nil, fmt.Errorf("expected a row from 0 to %d, got %d: the table has no such row; rows count from 0 without the header", t.Rows()-1, i)
	}
	return auditPath(i, 0, t.Rows(), t.Row), nil
}

// VerifyProof checks that row is example index of a table with the given number of
// rows and root, and returns an error that says why when it is not.
func VerifyProof(root [32]byte, row []byte, index, rows int, proof [][32]byte) error {
	if index < 0 || index >= rows {
		return fmt.Errorf("expected a row from 0 to %d, got %d: the table has no such row; ask for a proof of a row it has", rows-1, index)
	}
	// Walk up from the leaf; at the right edge of the tree a node without a
	// sibling moves up unchanged until it becomes a right child.
	hash := LeafHash(row)
	node, last := uint(index), uint(rows-1)
	for used, sibling := range proof {
		if last == 0 {
			return fmt.Errorf("expected %d hashes, got %d: the proof is longer than the tree is high; ask for a new proof", used, len(proof))
		}
		if node&1 == 1 || node == last {
			hash = nodeHash(sibling, hash)
			if node&1 == 0 {
				skip := bits.TrailingZeros(node)
				node, last = node>>skip, last>>skip
			}
		} else {
			hash = nodeHash(hash, sibling)
		}
		node, last = node>>1, last>>1
	}
	if last != 0 {
		return fmt.Errorf("expected more than %d hashes: the proof ends below the root; ask for a new proof", len(proof))
	}
	if hash != root {
		return fmt.Errorf("expected root %x, got %x: the row, its index or a hash differs from the table's; ask for a new proof", root, hash)
	}
	return nil
}

// treeHash is MTH(D[from:to]) of RFC 6962.
func treeHash(from, to int, leaf func(int) []byte) [32]byte {
	switch to - from {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return LeafHash(leaf(from))
	}
	middle := from + leftSize(to-from)
	return nodeHash(treeHash(from, middle, leaf), treeHash(middle, to, leaf))
}

// auditPath is PATH(i−from, D[from:to]) of RFC 6962.
func auditPath(i, from, to int, leaf func(int) []byte) [][32]byte {
	if to-from == 1 {
		return nil
	}
	middle := from + leftSize(to-from)
	if i < middle {
		return append(auditPath(i, from, middle, leaf), treeHash(middle, to, leaf))
	}
	return append(auditPath(i, middle, to, leaf), treeHash(from, middle, leaf))
}

// leftSize is the largest power of two smaller than n, for n ≥ 2.
func leftSize(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }
