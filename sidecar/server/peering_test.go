package server

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mr-tron/base58"
	"github.com/stretchr/testify/require"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

// fakeIdentity signs with a real key, so that the chain's own check can be applied.
type fakeIdentity struct {
	key       ed25519.PrivateKey
	addresses []string
	peers     []AnnouncedPeer
}

func newIdentity() *fakeIdentity {
	return &fakeIdentity{key: ed25519.NewKeyFromSeed(make([]byte, 32)), addresses: []string{"/ip4/127.0.0.1/tcp/4001"}}
}

func (f *fakeIdentity) PeerID() string {
	return base58.Encode(append([]byte{0x00, 0x24, 0x08, 0x01, 0x12, 0x20}, f.key.Public().(ed25519.PublicKey)...))
}
func (f *fakeIdentity) Addresses() []string            { return slices.Clone(f.addresses) }
func (f *fakeIdentity) Sign(b []byte) ([]byte, error)  { return ed25519.Sign(f.key, b), nil }
func (f *fakeIdentity) SetPeers(peers []AnnouncedPeer) { f.peers = peers }

func TestPeeringAnnouncesOnceAndRenewsInTime(t *testing.T) {
	chain, node, sender := &fakeChain{height: 100}, newIdentity(), &fakeSender{}
	p := NewPeering(chain, node, sender, quiet)
	p.Step(t.Context())
	require.Len(t, sender.sent, 1)
	m := sender.sent[0]
	require.NoError(t, attestationtypes.ValidateAnnouncement(testChain, m), "the chain accepts it")
	require.Equal(t, int64(500), m.Expires)

	chain.peers = []attestationtypes.Peer{{Address: m.Sender, PeerId: m.PeerId, Addresses: m.Addresses, Expires: m.Expires}}
	p.Step(t.Context())
	require.Len(t, sender.sent, 1, "the announcement is current")
	chain.height = 401
	p.Step(t.Context())
	require.Len(t, sender.sent, 2, "a quarter of its life is left")
}

func TestPeeringAnnouncesNewAddresses(t *testing.T) {
	chain, node, sender := &fakeChain{height: 100}, newIdentity(), &fakeSender{}
	chain.peers = []attestationtypes.Peer{{Address: sender.Address(), PeerId: node.PeerID(), Addresses: node.Addresses(), Expires: 500}}
	p := NewPeering(chain, node, sender, quiet)
	p.Step(t.Context())
	require.Empty(t, sender.sent)
	node.addresses = []string{"/ip4/127.0.0.1/tcp/4002"}
	p.Step(t.Context())
	require.Len(t, sender.sent, 1)
}

func TestPeeringFollowsOthersAndLeavesItselfOut(t *testing.T) {
	node := newIdentity()
	other := attestationtypes.Peer{Address: "pol1other", PeerId: "other"}
	chain := &fakeChain{peers: []attestationtypes.Peer{other, {Address: "pol1me", PeerId: node.PeerID()}}}
	NewPeering(chain, node, nil, quiet).Step(t.Context())
	require.Equal(t, []AnnouncedPeer{{Peer: other, Reputation: neutralReputation}}, node.peers)
}

func TestReputationsAreReadSlowlyAndKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chain, node := &fakeChain{reputations: map[string]float64{}}, newIdentity()
		for i := range reputationBatch + 1 {
			account := fmt.Sprintf("pol1peer%02d", i)
			chain.peers = append(chain.peers, attestationtypes.Peer{Address: account, PeerId: account})
			chain.reputations[account] = 0.9
		}
		p := NewPeering(chain, node, nil, quiet)
		count := func(value float64) (n int) {
			for _, x := range node.peers {
				if x.Reputation == value {
					n++
				}
			}
			return n
		}
		p.Step(t.Context())
		require.Equal(t, reputationBatch, count(0.9), "a batch at a time")
		require.Equal(t, 1, count(neutralReputation))
		p.Step(t.Context())
		require.Equal(t, reputationBatch, chain.read, "not again within the interval")
		time.Sleep(reputationInterval)
		p.Step(t.Context())
		require.Equal(t, reputationBatch+1, count(0.9), "the one left out comes first")

		chain.reputations = nil
		time.Sleep(reputationInterval)
		p.Step(t.Context())
		require.Equal(t, reputationBatch+1, count(0.9), "what was known stays when the question fails")
		chain.peers = chain.peers[:1]
		time.Sleep(reputationInterval)
		p.Step(t.Context())
		require.Len(t, p.reputations, 1, "who is announced no more is forgotten")
	})
}

func TestAddressesThatChangeAreNotAnnouncedEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chain, node, sender := &fakeChain{height: 100}, newIdentity(), &fakeSender{}
		p := NewPeering(chain, node, sender, quiet)
		for i := range 10 {
			node.addresses = []string{fmt.Sprintf("/ip4/127.0.0.1/tcp/400%d", i)}
			p.Step(t.Context())
			m := sender.sent[len(sender.sent)-1]
			chain.peers = []attestationtypes.Peer{{Address: m.Sender, PeerId: m.PeerId, Addresses: m.Addresses, Expires: m.Expires}}
		}
		require.Len(t, sender.sent, 1)
		time.Sleep(announcePause)
		p.Step(t.Context())
		require.Len(t, sender.sent, 2)
		require.Equal(t, node.addresses, sender.sent[1].Addresses)
	})
}

func TestARefusedAnnouncementIsTriedAgainAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sender := &fakeSender{err: errors.New("account not funded")}
		p := NewPeering(&fakeChain{height: 1}, newIdentity(), sender, quiet)
		p.Step(t.Context())
		sender.err = nil
		p.Step(t.Context())
		require.Empty(t, sender.sent)
		time.Sleep(announceRetry)
		p.Step(t.Context())
		require.Len(t, sender.sent, 1)
	})
}
