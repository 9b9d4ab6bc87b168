package swarm

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/boxo/blockstore"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/transfer"
)

func TestObjectsTravelBetweenNodes(t *testing.T) {
	for _, count := range []int{2, 4} {
		t.Run(fmt.Sprintf("%d nodes", count), func(t *testing.T) {
			nodes := openNodes(t, count)
			introduce(t, nodes...)
			for _, size := range []int{0, 1, 1000, ChunkSize, ChunkSize + 1, 4*ChunkSize + 17} {
				data := content(t.Name(), size)
				obj := add(t, nodes[0], data)
				require.Equal(t, int64(size), obj.Size)
				require.Equal(t, expect(data).SHA256, obj.SHA256)
				var all sync.WaitGroup
				for _, n := range nodes[1:] {
					all.Go(func() {
						got, err := n.Fetch(t.Context(), obj.CID, expect(data))
						if err != nil || string(got) != string(data) {
							t.Errorf("size %d: error %v, %d bytes", size, err, len(got))
						}
					})
				}
				all.Wait()
				for _, n := range nodes[1:] {
					has, err := n.Has(t.Context(), obj.CID)
					require.NoError(t, err)
					require.True(t, has)
					got, err := n.Get(t.Context(), obj.CID)
					require.NoError(t, err)
					require.True(t, string(got) == string(data))
				}
			}
			for _, n := range nodes {
				objects, err := n.Objects(t.Context())
				require.NoError(t, err)
				require.Len(t, objects, 6)
			}
		})
	}
}

func TestAFetchThatStartsBeforeTheAddIsServed(t *testing.T) {
	nodes := openNodes(t, 2)
	introduce(t, nodes...)
	data := content("later", ChunkSize+9)
	id, err := CIDOf(data)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		_, err := nodes[1].Fetch(t.Context(), id, expect(data))
		done <- err
	}()
	eventually(t, "the request", func() bool { return asksFor(nodes[1], id) })
	add(t, nodes[0], data)
	require.NoError(t, <-done)
}

// asksFor says whether a node has begun to ask for an object.
func asksFor(n *Node, id string) bool {
	c, err := dag.ParseCID(id)
	return err == nil && n.transfer.Wants(c)
}

func TestTheDHTFindsAHolderThatIsNoNeighbour(t *testing.T) {
	holder, middle, seeker := open(t, testConfig(t)), open(t, testConfig(t)), open(t, testConfig(t))
	require.NoError(t, holder.SetPeers(t.Context(), []PeerInfo{infoOf(middle)}))
	waitConnected(t, holder, middle)
	data := content("dht", 2*ChunkSize)
	obj := add(t, holder, data)
	require.NoError(t, holder.Provide(t.Context(), obj.CID))

	require.NoError(t, seeker.SetPeers(t.Context(), []PeerInfo{infoOf(middle)}))
	waitConnected(t, seeker, middle)
	fetch(t, seeker, obj.CID, data)
	require.Contains(t, seeker.Connected(), holder.PeerID())
	has, err := middle.Has(t.Context(), obj.CID)
	require.NoError(t, err)
	require.False(t, has, "the node in between is no relay")
}

func TestProvideNeedsThePinnedObject(t *testing.T) {
	n := open(t, testConfig(t))
	id, err := CIDOf([]byte("elsewhere"))
	require.NoError(t, err)
	require.ErrorIs(t, n.Provide(t.Context(), id), ErrNotFound)
}

func TestProvideIsRepeatedAfterARestart(t *testing.T) {
	cfg := testConfig(t)
	first := open(t, cfg)
	data := content("record", 100)
	obj := add(t, first, data)
	require.NoError(t, first.Provide(t.Context(), obj.CID), "alone, the record waits")
	require.NoError(t, first.Close())

	holder, middle, seeker := open(t, cfg), open(t, testConfig(t)), open(t, testConfig(t))
	require.NoError(t, holder.SetPeers(t.Context(), []PeerInfo{infoOf(middle)}))
	require.NoError(t, seeker.SetPeers(t.Context(), []PeerInfo{infoOf(middle)}))
	fetch(t, seeker, obj.CID, data)
}

func TestRefusedContent(t *testing.T) {
	nodes := openNodes(t, 2)
	introduce(t, nodes...)
	small, large := content("small", 100), content("large", 3*ChunkSize)
	for name, tc := range map[string]struct {
		data []byte
		want func(Expect) Expect
		err  error
	}{
		"another hash, one block":       {small, otherHash, ErrMismatch},
		"another hash, several blocks":  {large, otherHash, ErrMismatch},
		"one byte less, one block":      {small, resize(-1), ErrMismatch},
		"one byte more, several blocks": {large, resize(1), ErrMismatch},
		"one byte less, several blocks": {large, resize(-1), ErrMismatch},
		"one block expected, got more":  {large, resize(1 - 3*ChunkSize), ErrMismatch},
		"negative size":                 {small, resize(-101), ErrTooLarge},
		"above the limit":               {small, resize(maxInMemory), ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			obj := add(t, nodes[0], tc.data)
			_, err := nodes[1].Fetch(t.Context(), obj.CID, tc.want(expect(tc.data)))
			require.ErrorIs(t, err, tc.err)
			objects, err := nodes[1].Objects(t.Context())
			require.NoError(t, err)
			require.Empty(t, objects)
			require.Empty(t, objectFiles(t, nodes[1].cfg.Home), "a refused object leaves nothing behind")
		})
	}
	// The refusals poison nothing.
	fetch(t, nodes[1], add(t, nodes[0], large).CID, large)
	_, err := nodes[1].Fetch(t.Context(), add(t, nodes[0], large).CID, otherHash(expect(large)))
	require.ErrorIs(t, err, ErrMismatch)
	_, err = nodes[1].Get(t.Context(), add(t, nodes[0], large).CID)
	require.NoError(t, err, "a pinned object survives a wrong question")
}

func otherHash(e Expect) Expect { e.SHA256[0] ^= 1; return e }

func resize(by int64) func(Expect) Expect {
	return func(e Expect) Expect { e.Size += by; return e }
}

func TestAFetchEndsWithItsContext(t *testing.T) {
	nodes := openNodes(t, 2)
	introduce(t, nodes...)
	data := content("nowhere", 2*ChunkSize)
	id, err := CIDOf(data)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = nodes[1].Fetch(ctx, id, expect(data))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "got 0 of 2 chunks from 0 sources with 1 peers connected")
}

func TestAPeerThatGoesAwayAndComesBack(t *testing.T) {
	holderCfg := testConfig(t)
	holder := open(t, holderCfg)
	holderCfg.Listen = holder.Addresses() // the same port again
	seeker := open(t, testConfig(t))
	introduce(t, holder, seeker)
	data := content("back", 3*ChunkSize)
	obj := add(t, holder, data)
	require.NoError(t, holder.Close())
	eventually(t, "the end of the connection", func() bool { return len(seeker.Connected()) == 0 })

	done := make(chan error, 1)
	go func() {
		_, err := seeker.Fetch(t.Context(), obj.CID, expect(data))
		done <- err
	}()
	time.Sleep(time.Second)
	open(t, holderCfg)
	require.NoError(t, <-done)
}

func TestAnInterruptedFetchContinues(t *testing.T) {
	data := content("resume", 4*ChunkSize)
	cfg := testConfig(t)
	seeker := open(t, cfg)
	obj := part(t, seeker, data, func(i int) bool { return i < 2 })
	require.NoError(t, seeker.Close())
	holder := open(t, testConfig(t))
	part(t, holder, data, func(i int) bool { return i >= 2 })
	seeker = open(t, cfg)
	introduce(t, holder, seeker)
	fetch(t, seeker, obj.CID, data)
	require.Equal(t, int64(2*ChunkSize), seeker.Traffic().Useful)
}

func TestPartialHoldersTogetherHaveAll(t *testing.T) {
	nodes := openNodes(t, 4)
	data := content("parts", 9*ChunkSize+5)
	var obj Object
	for k, n := range nodes[:3] {
		obj = part(t, n, data, func(i int) bool { return i%3 == k })
	}
	introduce(t, nodes...)
	for _, n := range nodes {
		fetch(t, n, obj.CID, data)
	}
}

func TestDamageOnDiskIsFoundAndHealedByANeighbour(t *testing.T) {
	nodes := openNodes(t, 2)
	data := content("damage", 2*ChunkSize+3)
	obj := add(t, nodes[0], data)
	introduce(t, nodes...)
	fetch(t, nodes[1], obj.CID, data)
	home := nodes[1].cfg.Home

	damage(t, home, obj.CID, 1)
	_, err := nodes[1].Get(t.Context(), obj.CID)
	require.ErrorIs(t, err, ErrDamaged)
	require.ErrorContains(t, err, "chunk 1 of "+obj.CID)
	eventually(t, "healing in the background", func() bool {
		has, err := nodes[1].Has(t.Context(), obj.CID)
		return err == nil && has
	})

	require.NoError(t, os.Truncate(objectFile(t, home, obj.CID), ChunkSize+1))
	fetch(t, nodes[1], obj.CID, data)
	require.NoError(t, os.Remove(objectFile(t, home, obj.CID)))
	fetch(t, nodes[1], obj.CID, data)
}

func TestDamageFoundAtTheStartIsHealed(t *testing.T) {
	nodes := openNodes(t, 2)
	data := content("start", 2*ChunkSize+3)
	obj := add(t, nodes[0], data)
	introduce(t, nodes...)
	fetch(t, nodes[1], obj.CID, data)
	cfg := nodes[1].cfg
	for name, breakIt := range map[string]func(file string) error{
		"truncated":  func(f string) error { return os.Truncate(f, 5) },
		"removed":    os.Remove,
		"no digests": func(f string) error { return os.Remove(f + ".leaves") },
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, nodes[1].Close())
			require.NoError(t, breakIt(objectFile(t, cfg.Home, obj.CID)))
			nodes[1] = open(t, cfg)
			introduce(t, nodes...)
			eventually(t, "healing in the background", func() bool {
				has, err := nodes[1].Has(t.Context(), obj.CID)
				return err == nil && has
			})
		})
	}
}

func TestDamageWithoutNeighbours(t *testing.T) {
	n := open(t, testConfig(t))
	data := content("alone", 2*ChunkSize)
	obj := add(t, n, data)
	damage(t, n.cfg.Home, obj.CID, 0)
	has, err := n.Has(t.Context(), obj.CID)
	require.NoError(t, err)
	require.False(t, has)
	_, err = n.Get(t.Context(), obj.CID)
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorContains(t, err, "of 2 chunks 1 are")
	add(t, n, data)
	_, err = n.Get(t.Context(), obj.CID)
	require.NoError(t, err, "adding the bytes again repairs the object")
}

// A holder with a damaged disk must neither serve the chunk nor stop others
// from getting it elsewhere.
func TestADamagedHolderServesNothingWrong(t *testing.T) {
	nodes := openNodes(t, 3)
	data := content("serve", 3*ChunkSize)
	obj := add(t, nodes[0], data)
	add(t, nodes[1], data)
	for i := range 3 {
		damage(t, nodes[0].cfg.Home, obj.CID, i)
	}
	introduce(t, nodes...)
	fetch(t, nodes[2], obj.CID, data)
	require.False(t, nodes[2].gater.isBanned(nodes[0].host.ID()))
}

// liar answers with wrong bytes.
type liar struct{ blockstore.Blockstore }

func (l liar) Get(ctx context.Context, c cid.Cid) (blocks.Block, error) {
	b, err := l.Blockstore.Get(ctx, c)
	if err != nil || c.Type() != cid.Raw {
		return b, err
	}
	wrong := append([]byte(nil), b.RawData()...)
	wrong[0] ^= 1
	return blocks.NewBlockWithCid(wrong, c)
}

func TestAPeerThatSendsWrongBlocksIsCutOff(t *testing.T) {
	nodes := openNodes(t, 3)
	data := content("liar", 6*ChunkSize)
	obj := add(t, nodes[0], data)
	add(t, nodes[1], data)
	evil := nodes[1]
	bitswapOnly(t, evil, liar{evil.store.Blockstore()})
	seeker := nodes[2]

	require.NoError(t, seeker.SetPeers(t.Context(), []PeerInfo{infoOf(evil)}))
	waitConnected(t, seeker, evil)
	done := make(chan error, 1)
	go func() {
		_, err := seeker.Fetch(t.Context(), obj.CID, expect(data))
		done <- err
	}()
	eventually(t, "the ban", func() bool { return seeker.gater.isBanned(evil.host.ID()) })
	require.NoError(t, seeker.SetPeers(t.Context(), []PeerInfo{infoOf(evil), infoOf(nodes[0])}))
	require.NoError(t, <-done)
	require.NotContains(t, seeker.Connected(), evil.PeerID())
}

// bitswapOnly makes a node like one that has no buffer maps, and lets it serve
// from the given blocks.
func bitswapOnly(t *testing.T, n *Node, bs blockstore.Blockstore) {
	t.Helper()
	n.host.RemoveStreamHandler(transfer.MapProtocol)
	n.host.RemoveStreamHandler(transfer.ChunkProtocol)
	require.NoError(t, n.exchange.Close())
	n.exchange = newExchange(n.host, bs, n.guard)
}

func TestNodesWithoutBufferMapsServeByBitswap(t *testing.T) {
	nodes := openNodes(t, 2)
	bitswapOnly(t, nodes[0], nodes[0].store.Blockstore())
	introduce(t, nodes...)
	for _, size := range []int{1, ChunkSize, 5*ChunkSize + 1} {
		data := content("bitswap", size)
		fetch(t, nodes[1], add(t, nodes[0], data).CID, data)
		other := content("bitswap by name", size)
		got, err := nodes[1].FetchCID(t.Context(), add(t, nodes[0], other).CID, 6*ChunkSize)
		require.NoError(t, err)
		require.True(t, string(got) == string(other))
	}
}
