package swarm

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

func TestAQuotaIsKept(t *testing.T) {
	holder := open(t, testConfig(t))
	cfg := testConfig(t)
	cfg.Quota = 5 * ChunkSize
	n := open(t, cfg)
	introduce(t, holder, n)
	ctx := t.Context()
	get := func(name string, size int) (Object, error) {
		data := content(name, size)
		obj := add(t, holder, data)
		_, err := n.Fetch(ctx, obj.CID, expect(data))
		return obj, err
	}
	own, err := n.Add(ctx, content("own", ChunkSize))
	require.NoError(t, err)
	old, err := get("old", 2*ChunkSize)
	require.NoError(t, err)
	require.NoError(t, n.Describe(ctx, old.CID, Card{Kind: "table", Tags: []string{"old"}}))
	require.NoError(t, n.Provide(ctx, old.CID))
	newer, err := get("newer", 2*ChunkSize)
	require.NoError(t, err)
	require.Equal(t, Storage{Used: 5 * ChunkSize, Pinned: ChunkSize, Quota: cfg.Quota, Free: n.Storage().Free, Objects: 3}, n.Storage())
	_, err = n.Get(ctx, newer.CID)
	require.NoError(t, err)

	last, err := get("last", ChunkSize+1)
	require.NoError(t, err)
	require.False(t, n.Holds(old.CID), "what was used least recently goes")
	require.True(t, n.Holds(own.CID) && n.Holds(newer.CID) && n.Holds(last.CID))
	require.LessOrEqual(t, n.Storage().Used, cfg.Quota)
	// Nobody is told any more that it is here.
	c, err := dag.ParseCID(old.CID)
	require.NoError(t, err)
	n.providing.mu.Lock()
	_, root := n.providing.due[c]
	_, tag := n.providing.due[n.tagRecord("old")]
	n.providing.mu.Unlock()
	require.False(t, root || tag)

	// What is pinned stays, whatever else does not get room.
	require.NoError(t, n.Pin(ctx, newer.CID, true))
	require.NoError(t, n.Pin(ctx, last.CID, true))
	_, err = get("no room", ChunkSize)
	require.ErrorIs(t, err, ErrQuota)
	require.ErrorContains(t, err, "raise the quota")
	_, err = n.Add(ctx, content("no room for its own", ChunkSize))
	require.ErrorIs(t, err, ErrQuota)
	require.True(t, n.Holds(own.CID) && n.Holds(newer.CID) && n.Holds(last.CID))
	require.NoError(t, n.Pin(ctx, last.CID, false))
	_, err = get("room again", ChunkSize)
	require.NoError(t, err)
	require.False(t, n.Holds(last.CID))
	require.ErrorIs(t, n.Pin(ctx, last.CID, true), ErrNotFound)

	used := n.Storage().Used
	_, err = get("larger than all", 6*ChunkSize)
	require.ErrorIs(t, err, ErrQuota)
	require.True(t, n.Holds(own.CID) && n.Holds(newer.CID))
	require.Equal(t, used, n.Storage().Used, "nothing goes for what would not fit all the same")
}

func TestADownloadUnderWayCountsAsAWhole(t *testing.T) {
	cfg := testConfig(t)
	cfg.Quota = 5 * ChunkSize
	n := open(t, cfg)
	data := content("part", 4*ChunkSize)
	obj := part(t, n, data, func(i int) bool { return i == 0 })
	c, err := dag.ParseCID(obj.CID)
	require.NoError(t, err)
	o := n.store.Acquire(c) // as its download does
	_, err = n.Add(t.Context(), content("other", 2*ChunkSize))
	require.ErrorIs(t, err, ErrQuota)
	o.Release()
	_, err = n.Add(t.Context(), content("other", 2*ChunkSize))
	require.NoError(t, err)
}

// What is expected of an object is checked whether it is here or not.
func TestASizeThatIsWrongIsRefusedAlsoForWhatIsHere(t *testing.T) {
	nodes := openNodes(t, 2)
	introduce(t, nodes...)
	for _, size := range []int{0, 100, 2 * ChunkSize} {
		data := content("size", size)
		obj := add(t, nodes[0], data)
		for _, n := range []*Node{nodes[1], nodes[0]} {
			want := expect(data)
			want.Size++
			_, err := n.Fetch(t.Context(), obj.CID, want)
			require.ErrorIs(t, err, ErrMismatch, "size %d", size)
			fetch(t, n, obj.CID, data)
			_, err = n.Fetch(t.Context(), obj.CID, want)
			require.ErrorIs(t, err, ErrMismatch, "size %d", size)
		}
	}
	_, strikes, _ := nodes[1].scores.rating(nodes[0].host.ID())
	require.Zero(t, strikes, "who holds it is not to blame for what is expected of it")
}

// Objects that begin at the same moment do not get the same room.
func TestRoomIsGivenOnce(t *testing.T) {
	cfg := testConfig(t)
	cfg.Quota = 5 * ChunkSize
	n := open(t, cfg)
	first, err := n.makeRoom(3 * ChunkSize)
	require.NoError(t, err)
	_, err = n.makeRoom(3 * ChunkSize)
	require.ErrorIs(t, err, ErrQuota)
	first()
	second, err := n.makeRoom(3 * ChunkSize)
	require.NoError(t, err)
	second()
	require.Zero(t, n.reserved)
}
