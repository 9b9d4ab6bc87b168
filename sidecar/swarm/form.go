package swarm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

const (
	// maxRebuilt bounds the objects that are made from others, which takes
	// both in memory.
	maxRebuilt = 1 << 30
	// rebuildRate bounds the time to fetch a delta: a second for so many bytes,
	// beside rebuildTime.
	rebuildRate = 1 << 20
	// maxForms bounds the deltas that are offered for one object.
	maxForms = 4
)

// rebuildTime is how long a delta may bring nothing before the object itself is
// fetched.
var rebuildTime = 5 * time.Second

// OfferDelta tells those who fetch full that they can as well fetch delta, if
// they hold base: what Config.ApplyDelta makes of both. All three must be kept
// here, and the result is checked. A delta that is not smaller is not offered.
func (n *Node) OfferDelta(ctx context.Context, full, base, delta string) error {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := n.offerDelta(ctx, full, base, delta); err != nil {
		return fmt.Errorf("offer %.80s as a delta: %w", full, err)
	}
	return nil
}

func (n *Node) offerDelta(ctx context.Context, full, base, delta string) error {
	o, err := n.local(full)
	if err != nil {
		return err
	}
	defer o.Release()
	b, err := n.local(base)
	if err != nil {
		return err
	}
	defer b.Release()
	d, err := n.local(delta)
	if err != nil {
		return err
	}
	defer d.Release()
	if d.Size() >= o.Size() {
		return nil
	}
	result, err := n.apply(ctx, b, d, o.Size())
	if err != nil {
		return err
	}
	if tree, err := dag.Build(int64(len(result)), dag.SumBytes(result)); err != nil || tree.Root != o.Root() {
		return fmt.Errorf("%w: base and delta give something else", ErrMismatch)
	}
	return n.addForm(o.Root(), objectstore.Form{Base: b.Root(), Delta: d.Root(), Size: d.Size()})
}

// addForm notes a delta; the oldest of too many goes.
func (n *Node) addForm(root cid.Cid, f objectstore.Form) error {
	return n.store.Change(root, func(k *objectstore.Kept) {
		for _, x := range k.Forms {
			if x == f {
				return
			}
		}
		k.Forms = append(k.Forms, f)
		k.Forms = k.Forms[max(0, len(k.Forms)-maxForms):]
	})
}

// isForm says whether a kept object can be made with a delta.
func (n *Node) isForm(delta cid.Cid) bool {
	for _, k := range n.store.List() {
		for _, f := range k.Forms {
			if f.Delta == delta {
				return true
			}
		}
	}
	return false
}

var errNoBase = errors.New("the base is not here")

// rebuild makes an object from one that is here and a delta that is fetched,
// and remembers the delta for others. Nothing is taken on trust: chunks are
// stored that match their digests.
func (n *Node) rebuild(ctx context.Context, o *objectstore.Object, f objectstore.Form) error {
	if n.cfg.ApplyDelta == nil || o.Size() > maxRebuilt {
		return errNoBase
	}
	base := n.store.Acquire(f.Base)
	if base == nil {
		return errNoBase
	}
	defer base.Release()
	if !base.Complete() || base.Size() > maxRebuilt {
		return errNoBase
	}
	limited, cancel := context.WithTimeout(ctx, rebuildTime+time.Duration(f.Size/rebuildRate)*time.Second)
	defer cancel()
	defer n.endWhenIdle(limited, cancel, f.Delta)()
	// A delta is not made from other deltas: who offers them could go on for
	// ever.
	delta, err := n.downloadFrom(limited, f.Delta, f.Size, f.Size, nil)
	if err != nil {
		return err
	}
	defer delta.Release()
	result, err := n.apply(ctx, base, delta, o.Size())
	if err == nil && int64(len(result)) != o.Size() {
		err = fmt.Errorf("%w: expected %d bytes, got %d", ErrMismatch, o.Size(), len(result))
	}
	if err != nil {
		n.store.Discard(delta)
		return err
	}
	for i, want := range o.Leaves() {
		chunk := result[i*ChunkSize : i*ChunkSize+dag.LeafSize(o.Size(), i)]
		if sha256.Sum256(chunk) != want {
			n.store.Discard(delta)
			return fmt.Errorf("%w: base and delta give something else", ErrMismatch)
		}
		if err := o.Write(i, chunk); err != nil {
			return err
		}
	}
	if err := n.keep(delta, nil); err != nil {
		return err
	}
	if err := n.keep(o, nil); err != nil {
		return err
	}
	return n.addForm(o.Root(), f)
}

// endWhenIdle calls cancel when nothing of an object arrives for rebuildTime,
// until the returned function is called.
func (n *Node) endWhenIdle(ctx context.Context, cancel func(), root cid.Cid) (stop func()) {
	done := make(chan struct{})
	n.background(func() {
		tick := time.NewTicker(rebuildTime)
		defer tick.Stop()
		for held := int64(0); ; {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			now := int64(0)
			if o := n.store.Acquire(root); o != nil {
				now = o.Held()
				o.Release()
			}
			if now == held {
				cancel()
				return
			}
			held = now
		}
	})
	return func() { close(done) }
}

func (n *Node) apply(ctx context.Context, base, delta *objectstore.Object, limit int64) ([]byte, error) {
	if n.cfg.ApplyDelta == nil {
		return nil, errors.New("this node knows no deltas")
	}
	from, err := readAll(ctx, base)
	if err != nil {
		return nil, err
	}
	change, err := readAll(ctx, delta)
	if err != nil {
		return nil, err
	}
	return n.cfg.ApplyDelta(from, change, limit)
}
