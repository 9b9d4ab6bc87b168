package swarm

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/test"
	"github.com/stretchr/testify/require"
)

func newTestMembers(t *testing.T, allowList string, static ...peer.ID) *members {
	t.Helper()
	var infos []peer.AddrInfo
	for _, id := range static {
		infos = append(infos, peer.AddrInfo{ID: id})
	}
	m, err := newMembers(allowList, infos)
	require.NoError(t, err)
	return m
}

func newTestGater(t *testing.T, loopbackOnly bool) *gater {
	t.Helper()
	return newGater(loopbackOnly, newTestMembers(t, ""))
}

func TestClassesAndWhoIsAdmitted(t *testing.T) {
	member, static, listed, guest := test.RandPeerIDFatal(t), test.RandPeerIDFatal(t), test.RandPeerIDFatal(t), test.RandPeerIDFatal(t)
	file := filepath.Join(t.TempDir(), "allowed")
	require.NoError(t, os.WriteFile(file, []byte("# ours\n\n"+listed.String()+" # a friend\n"), 0o600))
	for _, c := range []struct {
		allowList string
		admitted  map[peer.ID]bool
	}{
		{"", map[peer.ID]bool{member: true, static: true, listed: true, guest: true}},
		{AllowAnnounced, map[peer.ID]bool{member: true, static: true, listed: false, guest: false}},
		{file, map[peer.ID]bool{member: false, static: true, listed: true, guest: false}},
	} {
		m := newTestMembers(t, c.allowList, static)
		require.Equal(t, map[peer.ID]bool{member: true}, m.set(map[peer.ID]bool{member: true}))
		require.Empty(t, m.set(map[peer.ID]bool{member: true}), "nothing changed")
		for p, want := range c.admitted {
			require.Equal(t, want, m.admitted(p), "%q: %s", c.allowList, m.class(p))
		}
		require.Equal(t, ClassMember, m.class(member))
		require.Equal(t, ClassStatic, m.class(static))
		require.Equal(t, ClassGuest, m.class(guest))
		require.Equal(t, map[peer.ID]bool{member: true, guest: true}, m.set(map[peer.ID]bool{guest: true}))
		require.Equal(t, ClassGuest, m.class(member))
	}
}

func TestADamagedAllowListIsAClearError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "allowed")
	require.NoError(t, os.WriteFile(file, []byte("\nnobody\n"), 0o600))
	_, err := newMembers(file, nil)
	require.ErrorContains(t, err, `allowed line 2: expected a peer id such as 12D3Koo…, got "nobody"`)
}
