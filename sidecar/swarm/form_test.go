package swarm

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

// overwrite is a delta that replaces the beginning of the base.
func overwrite(base, delta []byte, limit int64) ([]byte, error) {
	if bytes.HasPrefix(delta, []byte("bad")) || len(delta) > len(base) || int64(len(base)) > limit {
		return nil, errors.New("no delta for this base")
	}
	out := bytes.Clone(base)
	copy(out, delta)
	return out, nil
}

func deltaNode(t *testing.T) *Node {
	t.Helper()
	cfg := testConfig(t)
	cfg.ApplyDelta = overwrite
	return open(t, cfg)
}

// versions are a base, a delta and what they give.
func versions(t *testing.T) (base, delta, full []byte) {
	t.Helper()
	base, delta = content("base", 4*ChunkSize+9), content("delta", ChunkSize/2)
	full, err := overwrite(base, delta, int64(len(base)))
	require.NoError(t, err)
	return base, delta, full
}

// offerFalsely notes a delta that the node has not checked.
func offerFalsely(t *testing.T, n *Node, full, base, delta string, size int64) {
	t.Helper()
	var c [3]objectstore.Form
	for i, id := range []string{full, base, delta} {
		var err error
		c[i].Base, err = dag.ParseCID(id)
		require.NoError(t, err)
	}
	require.NoError(t, n.addForm(c[0].Base, objectstore.Form{Base: c[1].Base, Delta: c[2].Base, Size: size}))
}

func TestAnObjectIsMadeFromABaseAndADelta(t *testing.T) {
	base, delta, full := versions(t)
	nodes := []*Node{deltaNode(t), deltaNode(t), deltaNode(t), open(t, testConfig(t))}
	introduce(t, nodes...)
	b, d, f := add(t, nodes[0], base), add(t, nodes[0], delta), add(t, nodes[0], full)
	require.NoError(t, nodes[0].OfferDelta(t.Context(), f.CID, b.CID, d.CID))
	require.NoError(t, nodes[0].OfferDelta(t.Context(), f.CID, b.CID, d.CID), "a second time is nothing")

	for name, n := range map[string]*Node{"from the author": nodes[1], "from who has made it so": nodes[2]} {
		fetch(t, n, b.CID, base)
		before := n.Traffic().Useful
		fetch(t, n, f.CID, full)
		// The last chunks are those of the base; only the first is new.
		require.Equal(t, int64(len(delta)), n.Traffic().Useful-before, name)
		require.True(t, n.Holds(d.CID), "it is there for others")
		has, err := n.Has(t.Context(), f.CID)
		require.NoError(t, err)
		require.True(t, has)
		if n == nodes[1] {
			require.NoError(t, nodes[0].Remove(t.Context(), f.CID))
			require.False(t, nodes[0].Holds(d.CID), "the delta goes with what it leads to")
		}
	}
	// Who knows no deltas fetches it all, as does who has no base.
	fetch(t, nodes[3], b.CID, base)
	fetch(t, nodes[3], f.CID, full)
	require.False(t, nodes[3].Holds(d.CID))
	other := deltaNode(t)
	introduce(t, nodes[1], other)
	fetch(t, other, f.CID, full)
	require.False(t, other.Holds(d.CID))
}

func TestWhatIsNoDelta(t *testing.T) {
	base, delta, full := versions(t)
	n := deltaNode(t)
	b, d, f := add(t, n, base), add(t, n, delta), add(t, n, full)
	wrong := add(t, n, content("wrong", 100))
	for name, args := range map[string][3]string{
		"another delta":       {f.CID, b.CID, wrong.CID},
		"another base":        {f.CID, wrong.CID, d.CID},
		"nothing to be made":  {cidOfText(t, "nowhere"), b.CID, d.CID},
		"a base not here":     {f.CID, cidOfText(t, "nowhere"), d.CID},
		"a delta not here":    {f.CID, b.CID, cidOfText(t, "nowhere")},
		"no CID":              {f.CID, b.CID, "hello"},
		"a result of another": {b.CID, f.CID, d.CID},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, n.OfferDelta(t.Context(), args[0], args[1], args[2]))
		})
	}
	require.NoError(t, n.OfferDelta(t.Context(), f.CID, b.CID, b.CID), "one that is no smaller is not offered")
	c, err := dag.ParseCID(f.CID)
	require.NoError(t, err)
	info, _ := n.store.Kept(c)
	require.Empty(t, info.Forms)
}

func TestAFalseDeltaIsNotUsed(t *testing.T) {
	old := rebuildTime
	rebuildTime = 300 * time.Millisecond
	t.Cleanup(func() { rebuildTime = old })
	base := content("base", 4*ChunkSize+9)
	full, err := overwrite(base, content("delta", 3*ChunkSize-7), int64(len(base)))
	require.NoError(t, err)
	for name, offer := range map[string]func(t *testing.T, holder *Node, f, b string){
		"it gives something else": func(t *testing.T, holder *Node, f, b string) {
			d := add(t, holder, content("another delta", 1000))
			offerFalsely(t, holder, f, b, d.CID, 1000)
		},
		"it can't be applied": func(t *testing.T, holder *Node, f, b string) {
			d := add(t, holder, append([]byte("bad"), content("x", 10)...))
			offerFalsely(t, holder, f, b, d.CID, d.Size)
		},
		"it has another size": func(t *testing.T, holder *Node, f, b string) {
			d := add(t, holder, content("size", ChunkSize+5))
			offerFalsely(t, holder, f, b, d.CID, d.Size+1)
		},
		"nobody has it": func(t *testing.T, holder *Node, f, b string) {
			for i := range 3 * maxForms {
				offerFalsely(t, holder, f, b, cidOfText(t, string(rune('a'+i))), 1)
			}
		},
		"it leads round": func(t *testing.T, holder *Node, f, b string) {
			d := add(t, holder, content("round", ChunkSize+5))
			offerFalsely(t, holder, f, b, d.CID, d.Size)
			offerFalsely(t, holder, d.CID, b, f, 1)
		},
		"it is the object itself": func(t *testing.T, holder *Node, f, b string) {
			offerFalsely(t, holder, f, b, f, 5)
			offerFalsely(t, holder, f, f, b, 5)
		},
	} {
		t.Run(name, func(t *testing.T) {
			holder, n := deltaNode(t), deltaNode(t)
			introduce(t, holder, n)
			b, f := add(t, holder, base), add(t, holder, full)
			fetch(t, n, b.CID, base)
			offer(t, holder, f.CID, b.CID)
			fetch(t, n, f.CID, full)
			objects, err := n.Objects(t.Context())
			require.NoError(t, err)
			require.Len(t, objects, 2, "nothing of the delta is kept")
			require.Len(t, objectFiles(t, n.cfg.Home), 4)
		})
	}
}

// A delta that stops in the middle holds the object up for a moment only.
func TestADeltaThatHangs(t *testing.T) {
	old := rebuildTime
	rebuildTime = 300 * time.Millisecond
	t.Cleanup(func() { rebuildTime = old })
	base := content("base", 4*ChunkSize+9)
	delta := content("delta", 3*ChunkSize-7)
	full, err := overwrite(base, delta, int64(len(base)))
	require.NoError(t, err)
	holder, n := deltaNode(t), deltaNode(t)
	introduce(t, holder, n)
	b, f := add(t, holder, base), add(t, holder, full)
	fetch(t, n, b.CID, base)
	d := part(t, holder, delta, func(i int) bool { return i == 0 })
	offerFalsely(t, holder, f.CID, b.CID, d.CID, d.Size)
	fetch(t, n, f.CID, full)
	require.False(t, n.Holds(d.CID))
	require.Equal(t, 1, n.Storage().Partial, "what came of the delta goes when room is needed")
}
