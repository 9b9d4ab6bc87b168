package swarm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"syscall"

	"github.com/ipfs/boxo/blockstore"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	flatfs "github.com/ipfs/go-ds-flatfs"
	ipld "github.com/ipfs/go-ipld-format"
)

// store keeps blocks as files, one a block, fsynced. Every Get compares the
// bytes with the hash; a block that fails is deleted and reported to onDamage,
// so nothing unverified is ever used or served.
type store struct {
	blockstore.Blockstore // verifies on Get, writes through
	files                 *flatfs.Datastore
	log                   *slog.Logger
	onDamage              func(cid.Cid)

	// Writers hold it shared and repair holds it alone, so that a fresh good
	// block is never deleted in place of the damaged one it replaced.
	mu sync.RWMutex
}

// openStore opens or creates the store in dir. onDamage must not block.
func openStore(dir string, log *slog.Logger, onDamage func(cid.Cid)) (*store, error) {
	files, err := flatfs.CreateOrOpen(dir, flatfs.NextToLast(2), true)
	if err != nil {
		return nil, fmt.Errorf("block store %s cannot be opened: %w; if the disk and the permissions are in order, move the folder away: its objects are fetched again from other nodes", dir, err)
	}
	// Without prefix, because flatfs takes only keys of one component.
	bs := blockstore.NewBlockstore(files, blockstore.NoPrefix(), blockstore.WriteThrough(true))
	return &store{
		Blockstore: &blockstore.ValidatingBlockstore{Blockstore: bs},
		files:      files,
		log:        log,
		onDamage:   onDamage,
	}, nil
}

// damagedError wraps ErrDamaged. It counts as "not found" for bitswap, which
// then tells peers that this node does not have the block.
type damagedError struct {
	id    cid.Cid
	cause error
}

func (e *damagedError) Error() string {
	return fmt.Sprintf("block %s was %v and has been deleted: %v", e.id, ErrDamaged, e.cause)
}
func (e *damagedError) Unwrap() []error { return []error{ErrDamaged, e.cause} }
func (e *damagedError) Is(target error) bool {
	_, notFound := target.(ipld.ErrNotFound)
	return notFound
}

// Get returns the verified block, ipld.ErrNotFound, or a damagedError after
// which the block is no longer stored.
func (s *store) Get(ctx context.Context, c cid.Cid) (blocks.Block, error) {
	b, err := s.Blockstore.Get(ctx, c)
	if !isDamage(err) {
		return b, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err = s.Blockstore.Get(ctx, c)
	if !isDamage(err) {
		return b, err
	}
	if derr := s.DeleteBlock(ctx, c); derr != nil {
		return nil, fmt.Errorf("block %s is damaged (%w) and cannot be deleted: %w; check the disk", c, err, derr)
	}
	s.log.Warn("deleted a damaged block", "cid", c.String(), "cause", err)
	s.onDamage(c)
	return nil, &damagedError{id: c, cause: err}
}

// isDamage tells a bad block or sector from a fault such as too many open
// files, after which the block may still be good.
func isDamage(err error) bool {
	return errors.Is(err, blockstore.ErrHashMismatch) || errors.Is(err, syscall.EIO)
}

// Put writes a block unless a good copy is there.
func (s *store) Put(ctx context.Context, b blocks.Block) error {
	if _, err := s.Get(ctx, b.Cid()); err == nil {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	err := s.Blockstore.Put(ctx, b)
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("store block %s: the disk is full; free some space, then try again: %w", b.Cid(), err)
	case err != nil:
		return fmt.Errorf("store block %s: %w", b.Cid(), err)
	}
	return nil
}

// PutMany writes blocks one by one.
func (s *store) PutMany(ctx context.Context, list []blocks.Block) error {
	for _, b := range list {
		if err := s.Put(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// isMissing says that a block has to come from the network.
func isMissing(err error) bool { return ipld.IsNotFound(err) }

func (s *store) Close() error { return s.files.Close() }
