package swarm

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnObjectIsFetchedByItsCIDAlone(t *testing.T) {
	nodes := openNodes(t, 2)
	introduce(t, nodes...)
	for _, size := range []int{0, 1, ChunkSize, ChunkSize + 1, 3*ChunkSize + 17} {
		data := content(t.Name(), size)
		obj := add(t, nodes[0], data)
		for range 2 { // the second time from disk
			got, err := nodes[1].FetchCID(t.Context(), obj.CID, 4*ChunkSize)
			require.NoError(t, err)
			require.True(t, string(got) == string(data))
		}
		objects, err := nodes[1].Objects(t.Context())
		require.NoError(t, err)
		require.Contains(t, objects, obj, "it is kept with its size and hash")
	}
}

func TestAnObjectLargerThanTheLimitIsRefused(t *testing.T) {
	nodes := openNodes(t, 2)
	introduce(t, nodes...)
	for _, size := range []int{1001, ChunkSize + 1} {
		data := content("large", size)
		obj := add(t, nodes[0], data)
		for _, n := range nodes {
			_, err := n.FetchCID(t.Context(), obj.CID, 1000)
			require.ErrorIs(t, err, ErrTooLarge)
		}
	}
	require.Empty(t, objectFiles(t, nodes[1].cfg.Home), "it leaves nothing behind")
}

func TestAMissingObjectIsWaitedForUntilTheContextEnds(t *testing.T) {
	nodes := openNodes(t, 2)
	introduce(t, nodes...)
	data := content("late", 100)
	id, err := CIDOf(data)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = nodes[1].FetchCID(ctx, id, 1000)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "no holder found among 1 peers connected")

	done := make(chan error, 1)
	go func() {
		_, err := nodes[1].FetchCID(t.Context(), id, 1000)
		done <- err
	}()
	eventually(t, "the request", func() bool { return asksFor(nodes[1], id) })
	add(t, nodes[0], data)
	require.NoError(t, <-done)
}

func TestADamagedObjectIsFetchedByItsCIDAgain(t *testing.T) {
	nodes := openNodes(t, 2)
	introduce(t, nodes...)
	data := content("damaged", ChunkSize+1)
	obj := add(t, nodes[0], data)
	_, err := nodes[1].FetchCID(t.Context(), obj.CID, 4*ChunkSize)
	require.NoError(t, err)
	damage(t, nodes[1].cfg.Home, obj.CID, 0)
	got, err := nodes[1].FetchCID(t.Context(), obj.CID, 4*ChunkSize)
	require.NoError(t, err)
	require.True(t, string(got) == string(data))
}
