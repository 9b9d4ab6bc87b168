package swarm

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/test"
	"github.com/stretchr/testify/require"
)

func TestRelaysGiveFewPlacesToGuests(t *testing.T) {
	member := test.RandPeerIDFatal(t)
	m := newTestMembers(t, "")
	m.set(map[peer.ID]bool{member: true})
	synctest.Test(t, func(t *testing.T) {
		a := &relayAccess{members: m, ttl: time.Hour, guests: make(map[peer.ID]time.Time)}
		first := test.RandPeerIDFatal(t)
		require.True(t, a.AllowReserve(first, nil))
		for range maxRelayGuests - 1 {
			require.True(t, a.AllowReserve(test.RandPeerIDFatal(t), nil))
		}
		late := test.RandPeerIDFatal(t)
		require.False(t, a.AllowReserve(late, nil))
		require.True(t, a.AllowReserve(first, nil), "it has a place")
		require.True(t, a.AllowReserve(member, nil))
		time.Sleep(a.ttl + time.Second)
		require.True(t, a.AllowReserve(late, nil), "places end")
	})
	closed := &relayAccess{members: newTestMembers(t, AllowAnnounced)}
	require.False(t, closed.AllowConnect(member, nil, ""))
}
