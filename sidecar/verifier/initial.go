package verifier

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/pold-network/pold/engine"
)

// InitialWeights returns the file of the weights that a lineage starts from: those of InitSeed, except that tensors, weights and buffers
// alike, whose name and shape occur in the carried checkpoint keep its values bit for bit. They belong to the mapping of these inputs.
// An error means that the carried checkpoint can't be had, or that it is not what was pinned.
func (in Inputs) InitialWeights(ctx context.Context, fetch FetchFunc) ([]byte, error) {
	spec, err := in.spec()
	if err != nil {
		return nil, err
	}
	if len(in.InitSeed) != sha256.Size {
		return nil, fmt.Errorf("init_seed: expected %d bytes, got %d", sha256.Size, len(in.InitSeed))
	}
	model, err := engine.NewModel(spec, [sha256.Size]byte(in.InitSeed))
	if err != nil {
		return nil, err
	}
	if in.Carried == nil {
		return model.Encode(), nil
	}
	carried, err := in.carried(ctx, fetch)
	if err != nil {
		return nil, fmt.Errorf("carried weights: %w", err)
	}
	return keepTensors(model.Encode(), carried.Encode())
}

// carried returns the model of the earlier lineage, moved to the mapping of these inputs. A signed permutation is exact, so it does not
// matter whether the weights pass through no mapping on the way.
func (in Inputs) carried(ctx context.Context, fetch FetchFunc) (*engine.Model, error) {
	c := in.Carried.Checkpoint
	if len(c.MappingSeed) > 0 && len(in.MappingSeed) == 0 {
		return nil, fmt.Errorf("checkpoint %s: expected no mapping, as the initial weights have none, got mapping seed %x", c.Cid, c.MappingSeed)
	}
	file, err := fetch(ctx, c.Cid, c.Size_, c.Sha256)
	if err == nil {
		err = checkBytes("what was fetched", file, c.Sha256, c.Size_)
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", c.Cid, err)
	}
	was := in
	was.Model, was.MappingSeed = in.Carried.Model, c.MappingSeed
	model, err := was.Decode(file)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", c.Cid, err)
	}
	was.MappingSeed = in.MappingSeed
	return model, was.Rebase(model)
}

// keepTensors returns the first checkpoint with the values of those tensors that have name and shape in common with the second.
func keepTensors(initial, carried []byte) ([]byte, error) {
	tensors, err := engine.DecodeSafetensors(initial)
	if err != nil {
		return nil, err
	}
	kept, err := engine.DecodeSafetensors(carried)
	if err != nil {
		return nil, err
	}
	for i := range tensors {
		t := &tensors[i]
		at := slices.IndexFunc(kept, func(k engine.Tensor) bool { return k.Name == t.Name && slices.Equal(k.Shape, t.Shape) })
		if at >= 0 {
			t.Data = kept[at].Data
		}
	}
	return engine.EncodeSafetensors(tensors)
}
