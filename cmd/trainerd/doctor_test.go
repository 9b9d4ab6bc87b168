package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cosmossdk.io/math"

	"github.com/cometbft/cometbft/proto/tendermint/p2p"
	"github.com/cosmos/cosmos-sdk/client/grpc/cmtservice"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"github.com/pold-network/pold/sidecar/api"
	"github.com/pold-network/pold/sidecar/chain"
	"github.com/pold-network/pold/sidecar/server"
	"github.com/pold-network/pold/sidecar/swarm"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// patient is a node and a machine that the tests make ill.
type patient struct {
	chainID  string
	age      time.Duration // of the last block
	growing  bool
	syncing  bool
	unknown  bool // the account was never seen
	balance  int64
	peers    []attestationtypes.Peer
	setBytes uint64

	height int64
}

type (
	patientComet struct {
		cmtservice.UnimplementedServiceServer
		p *patient
	}
	patientAccounts struct {
		authtypes.UnimplementedQueryServer
		p *patient
	}
	patientBank struct {
		banktypes.UnimplementedQueryServer
		p *patient
	}
	patientPeers struct {
		attestationtypes.UnimplementedQueryServer
		p *patient
	}
	patientGroups struct {
		poltypes.UnimplementedQueryServer
	}
	patientSets struct {
		trainingsettypes.UnimplementedQueryServer
		p *patient
	}
)

func (c patientComet) GetNodeInfo(context.Context, *cmtservice.GetNodeInfoRequest) (*cmtservice.GetNodeInfoResponse, error) {
	return &cmtservice.GetNodeInfoResponse{DefaultNodeInfo: &p2p.DefaultNodeInfo{Network: c.p.chainID}}, nil
}

func (c patientComet) GetSyncing(context.Context, *cmtservice.GetSyncingRequest) (*cmtservice.GetSyncingResponse, error) {
	return &cmtservice.GetSyncingResponse{Syncing: c.p.syncing}, nil
}

func (c patientComet) GetLatestBlock(context.Context, *cmtservice.GetLatestBlockRequest) (*cmtservice.GetLatestBlockResponse, error) {
	if c.p.growing {
		c.p.height++
	}
	return &cmtservice.GetLatestBlockResponse{SdkBlock: &cmtservice.Block{Header: cmtservice.Header{Height: c.p.height, Time: time.Now().Add(-c.p.age)}}}, nil
}

func (a patientAccounts) AccountInfo(_ context.Context, r *authtypes.QueryAccountInfoRequest) (*authtypes.QueryAccountInfoResponse, error) {
	if a.p.unknown {
		return nil, status.Error(codes.NotFound, "account "+r.Address+" not found")
	}
	return &authtypes.QueryAccountInfoResponse{Info: &authtypes.BaseAccount{Address: r.Address}}, nil
}

func (b patientBank) Balance(context.Context, *banktypes.QueryBalanceRequest) (*banktypes.QueryBalanceResponse, error) {
	return &banktypes.QueryBalanceResponse{Balance: &sdk.Coin{Denom: chain.Denom, Amount: math.NewInt(b.p.balance)}}, nil
}

func (a patientPeers) Peers(context.Context, *attestationtypes.QueryPeersRequest) (*attestationtypes.QueryPeersResponse, error) {
	return &attestationtypes.QueryPeersResponse{Peers: a.p.peers}, nil
}

func (patientGroups) Groups(context.Context, *poltypes.QueryGroupsRequest) (*poltypes.QueryGroupsResponse, error) {
	return &poltypes.QueryGroupsResponse{}, nil
}

func (s patientSets) TrainingSets(context.Context, *trainingsettypes.QueryTrainingSetsRequest) (*trainingsettypes.QueryTrainingSetsResponse, error) {
	return &trainingsettypes.QueryTrainingSetsResponse{TrainingSets: []trainingsettypes.TrainingSet{{Name: "set", Table: trainingsettypes.Table{Size_: s.p.setBytes}}}}, nil
}

// serve starts the node and returns its address.
func (p *patient) serve(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := grpc.NewServer(grpc.ForceServerCodec(testCodec().GRPCCodec()))
	cmtservice.RegisterServiceServer(s, &patientComet{p: p})
	authtypes.RegisterQueryServer(s, &patientAccounts{p: p})
	banktypes.RegisterQueryServer(s, &patientBank{p: p})
	attestationtypes.RegisterQueryServer(s, &patientPeers{p: p})
	poltypes.RegisterQueryServer(s, &patientGroups{})
	trainingsettypes.RegisterQueryServer(s, &patientSets{p: p})
	go s.Serve(listener) //nolint:errcheck // ends with Stop
	t.Cleanup(s.Stop)
	return listener.Addr().String()
}

// fakeSidecar has a status and nothing else.
type fakeSidecar struct {
	api.UnimplementedSidecarServer
	status *api.StatusResponse
}

func (s fakeSidecar) Status(context.Context, *api.StatusRequest) (*api.StatusResponse, error) {
	return s.status, nil
}

func serveSidecar(t *testing.T, r *api.StatusResponse) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := server.NewGRPCServer(&fakeSidecar{status: r})
	go s.Serve(listener) //nolint:errcheck // ends with Stop
	t.Cleanup(s.Stop)
	return listener.Addr().String()
}

// freeAddress is one at which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func openPeer(t *testing.T, change func(*swarm.Config)) *swarm.Node {
	t.Helper()
	cfg := swarm.Config{Home: t.TempDir(), Network: testChain, LoopbackOnly: true}
	change(&cfg)
	n, err := swarm.Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { n.Close() })
	return n
}

func announcementOf(n *swarm.Node) attestationtypes.Peer {
	return attestationtypes.Peer{Address: "pol1other", PeerId: n.PeerID(), Addresses: n.Addresses(), Expires: 1000}
}

// healthy returns a patient that has nothing, and what the doctor is asked.
func healthy(t *testing.T, other *swarm.Node) (*patient, *doctorOptions, *bool) {
	t.Helper()
	p := &patient{chainID: testChain, growing: true, height: 100, balance: 5_000_000, peers: []attestationtypes.Peer{announcementOf(other)}}
	o := &doctorOptions{sidecar: freeAddress(t), wait: time.Second}
	o.key.signing = chain.Signing{Backend: "test", Dir: newKey(t), GasPrices: "0unrn", Adjustment: 1.5}
	o.overlay = overlayFlags{home: t.TempDir(), listen: []string{"/ip4/127.0.0.1/tcp/0"}, noPortMapping: true}
	return p, o, new(bool)
}

const strangerID = "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5"

// Each case breaks one thing; the doctor has to find it and to say what to do.
func TestTheDoctorExplains(t *testing.T) {
	other := openPeer(t, func(*swarm.Config) {})
	closed := openPeer(t, func(c *swarm.Config) { c.AllowList = swarm.AllowAnnounced })
	elsewhere := openPeer(t, func(c *swarm.Config) { c.Network = "elsewhere" })
	keyFile := filepath.Join(t.TempDir(), "swarm.key")
	require.NoError(t, os.WriteFile(keyFile, []byte("/key/swarm/psk/1.0.0/\n/base16/\n"+strings.Repeat("07", 32)+"\n"), 0o600))
	private := openPeer(t, func(c *swarm.Config) { c.PrivateKeyFile = keyFile })
	dead := attestationtypes.Peer{Address: "pol1dead", PeerId: strangerID, Addresses: []string{"/ip4/127.0.0.1/tcp/" + strings.Split(freeAddress(t), ":")[1]}, Expires: 1000}
	account := func(t *testing.T, o *doctorOptions) string {
		o.key.signing.From = "alice"
		client, err := chain.Dial("127.0.0.1:1")
		require.NoError(t, err)
		defer client.Close()
		a, err := client.OpenAccount(o.key.signing)
		require.NoError(t, err)
		return a.Address()
	}
	type breakage func(t *testing.T, p *patient, o *doctorOptions, keepHome *bool)
	for name, c := range map[string]struct {
		breakIt breakage
		want    checkup // Text is a part of the sentence
	}{
		"nothing": {func(*testing.T, *patient, *doctorOptions, *bool) {}, checkup{"peer", resultOK, ": answers over tcp in "}},
		"no node": {func(_ *testing.T, _ *patient, o *doctorOptions, _ *bool) { o.node.node = "127.0.0.1:1" },
			checkup{"node", resultFail, "no pold node answers at 127.0.0.1:1"}},
		"no address of a node": {func(_ *testing.T, _ *patient, o *doctorOptions, _ *bool) { o.node.node = "https://" },
			checkup{"node", resultFail, "expected host:port of the node's gRPC server"}},
		"another chain": {func(_ *testing.T, p *patient, o *doctorOptions, _ *bool) { o.node.chainID = "mine" },
			checkup{"node", resultFail, `expected "mine"`}},
		"node catches up": {func(_ *testing.T, p *patient, _ *doctorOptions, _ *bool) { p.syncing = true },
			checkup{"chain", resultWarn, "the node is catching up, at block 101"}},
		"chain stopped": {func(_ *testing.T, p *patient, _ *doctorOptions, _ *bool) { p.growing, p.age = false, time.Hour },
			checkup{"chain", resultFail, "the last block, 100, is 1h0m0s old and no other came within 1s: the chain has stopped, or the node has lost its peers"}},
		"clock behind": {func(_ *testing.T, p *patient, _ *doctorOptions, _ *bool) { p.age = -time.Hour },
			checkup{"clock", resultFail, "the clock of this machine is 1h0m0s behind the chain; set it"}},
		"clock ahead": {func(_ *testing.T, p *patient, _ *doctorOptions, _ *bool) { p.age = time.Hour },
			checkup{"clock", resultFail, "the clock of this machine is 1h0m0s ahead of the chain; set it"}},
		"no key": {func(_ *testing.T, _ *patient, o *doctorOptions, _ *bool) { o.key.signing.From = "bob" },
			checkup{"key", resultFail, `no key "bob" in the keyring`}},
		"account never seen": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) { account(t, o); p.unknown = true },
			checkup{"key", resultFail, ", so it can't announce a peer; send it some NRN"}},
		"nothing for fees": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			account(t, o)
			p.balance, o.key.signing.GasPrices = 0, "1unrn"
		}, checkup{"key", resultFail, "has nothing to pay fees with; send it some NRN"}},
		"nothing, and no fees": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) { account(t, o); p.balance = 0 },
			checkup{"key", resultWarn, "it can announce this peer while nodes ask for no fee"}},
		"sidecar of another chain": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			o.sidecar = serveSidecar(t, &api.StatusResponse{Ready: true, ChainId: "old", PeerId: strangerID})
		}, checkup{"sidecar", resultFail, "the sidecar serves chain old, the node is on " + testChain}},
		"sidecar does not vote": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			o.sidecar = serveSidecar(t, &api.StatusResponse{ChainId: testChain, PeerId: strangerID, Problem: "the self-test failed"})
		}, checkup{"sidecar", resultFail, "the sidecar does not vote: the self-test failed"}},
		"no sidecar": {func(*testing.T, *patient, *doctorOptions, *bool) {}, checkup{"sidecar", resultWarn, "no sidecar answers at 127.0.0.1:"}},
		"sidecar listens nowhere": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			o.sidecar = serveSidecar(t, &api.StatusResponse{Ready: true, ChainId: testChain, PeerId: strangerID, Reachability: "private"})
		}, checkup{"overlay", resultWarn, "the sidecar's peer listens nowhere and has no place at a relay"}},
		"port taken": {func(_ *testing.T, _ *patient, o *doctorOptions, _ *bool) { o.overlay.listen = other.Addresses() },
			checkup{"overlay", resultFail, "the port is taken by another program; stop it or choose another port"}},
		"QUIC in a private network": {func(_ *testing.T, _ *patient, o *doctorOptions, _ *bool) {
			o.overlay.privateKey, o.overlay.listen = keyFile, []string{"/ip4/127.0.0.1/udp/0/quic-v1"}
		}, checkup{"overlay", resultFail, "QUIC can't carry the key of a private network"}},
		"home in use": {func(t *testing.T, _ *patient, o *doctorOptions, keepHome *bool) {
			n, err := swarm.Open(t.Context(), swarm.Config{Home: filepath.Join(o.overlay.home, "swarm"), LoopbackOnly: true})
			require.NoError(t, err)
			t.Cleanup(func() { n.Close() })
			*keepHome = true
		}, checkup{"overlay", resultFail, "is in use by another process, but no sidecar answers at 127.0.0.1:"}},
		"home that others can change": {func(t *testing.T, _ *patient, o *doctorOptions, keepHome *bool) {
			home := filepath.Join(o.overlay.home, "swarm")
			require.NoError(t, os.MkdirAll(home, 0o700))
			require.NoError(t, os.Chmod(home, 0o777))
			*keepHome = true
		}, checkup{"home", resultFail, "run: chmod 700 "}},
		"home is a file": {func(t *testing.T, _ *patient, o *doctorOptions, keepHome *bool) {
			require.NoError(t, os.WriteFile(filepath.Join(o.overlay.home, "swarm"), nil, 0o600))
			*keepHome = true
		}, checkup{"home", resultFail, "is not a folder; move it away"}},
		"disk too small": {func(_ *testing.T, p *patient, _ *doctorOptions, _ *bool) { p.setBytes = 1 << 60 },
			checkup{"disk", resultFail, "the files that the chain refers to have 1.0 EiB; free some space"}},
		"quota too small": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			p.setBytes = 200 << 10
			o.sidecar = serveSidecar(t, &api.StatusResponse{Ready: true, ChainId: testChain, PeerId: strangerID, ConnectedPeers: 1,
				Storage: &api.StorageStatus{Home: t.TempDir(), QuotaBytes: 100 << 10}})
		}, checkup{"disk", resultFail, "--storage-quota is 100 KiB, the files that the chain refers to have 200 KiB; start the sidecar with a larger one"}},
		"sidecar that reaches nobody": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			o.sidecar = serveSidecar(t, &api.StatusResponse{Ready: true, ChainId: testChain, PeerId: strangerID, Peers: []*api.PeerStatus{
				{PeerId: other.PeerID(), Problem: "it has another key"}}})
		}, checkup{"sidecar", resultFail, "the sidecar is connected to no peer, so no file reaches it: it has another key"}},
		"sidecar that has not met anybody": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			o.sidecar = serveSidecar(t, &api.StatusResponse{Ready: true, ChainId: testChain, PeerId: strangerID})
		}, checkup{"sidecar", resultWarn, "connected to no peer, so no file reaches it yet"}},
		"a peer that only the sidecar can't reach": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			o.sidecar = serveSidecar(t, &api.StatusResponse{Ready: true, ChainId: testChain, PeerId: strangerID, Peers: []*api.PeerStatus{
				{PeerId: other.PeerID(), Problem: "it has another key"}}})
		}, checkup{"peer", resultFail, other.PeerID() + ": it answers this command, but not the sidecar: it has another key"}},
		"never announced": {func(t *testing.T, _ *patient, o *doctorOptions, _ *bool) { account(t, o) },
			checkup{"announcement", resultWarn, "has announced no peer, or the announcement has expired; start the sidecar with --from"}},
		"a peer that nobody announced": {func(t *testing.T, _ *patient, o *doctorOptions, keepHome *bool) { *keepHome = true },
			checkup{"announcement", resultWarn, "is not announced on chain: others treat it as a guest"}},
		"announcement expired": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			p.peers = append(p.peers, attestationtypes.Peer{Address: account(t, o), PeerId: strangerID, Addresses: dead.Addresses, Expires: 50})
		}, checkup{"announcement", resultFail, "has expired at height 50, the chain is at 101"}},
		"another peer id announced": {func(t *testing.T, p *patient, o *doctorOptions, keepHome *bool) {
			p.peers = append(p.peers, attestationtypes.Peer{Address: account(t, o), PeerId: strangerID, Addresses: dead.Addresses, Expires: 1000})
			*keepHome = true
		}, checkup{"announcement", resultFail, "announces peer " + strangerID + ", but this one is 12D3"}},
		"other addresses announced": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			p.peers = append(p.peers, attestationtypes.Peer{Address: account(t, o), PeerId: strangerID, Addresses: dead.Addresses, Expires: 1000})
			o.sidecar = serveSidecar(t, &api.StatusResponse{Ready: true, ChainId: testChain, PeerId: strangerID, Addresses: []string{"/ip4/127.0.0.1/tcp/4001"}})
		}, checkup{"announcement", resultWarn, "but it is at /ip4/127.0.0.1/tcp/4001; others find it when it announces again"}},
		"loopback announced beside public peers": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			p.peers = append(p.peers, attestationtypes.Peer{Address: "pol1public", PeerId: strangerID, Addresses: []string{"/dns4/nowhere.invalid/tcp/4001"}, Expires: 1000},
				attestationtypes.Peer{Address: account(t, o), PeerId: other.PeerID(), Addresses: dead.Addresses, Expires: 1000})
		}, checkup{"announcement", resultFail, "it announces only addresses of this machine (" + dead.Addresses[0] + ") while 1 others are public: nobody can dial it"}},
		"private address announced beside public peers": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			p.peers = append(p.peers, attestationtypes.Peer{Address: "pol1public", PeerId: strangerID, Addresses: []string{"/dns4/nowhere.invalid/tcp/4001"}, Expires: 1000},
				attestationtypes.Peer{Address: account(t, o), PeerId: other.PeerID(), Addresses: []string{"/ip4/192.168.7.7/tcp/4001"}, Expires: 1000})
		}, checkup{"announcement", resultWarn, "only addresses of a private network"}},
		"no peers": {func(_ *testing.T, p *patient, _ *doctorOptions, _ *bool) { p.peers = nil },
			checkup{"peers", resultFail, "no other peer is announced on chain and none is given"}},
		"one peer is down": {func(_ *testing.T, p *patient, _ *doctorOptions, _ *bool) { p.peers = append(p.peers, dead) },
			checkup{"peer", resultWarn, strangerID + ": nothing listens at " + dead.Addresses[0]}},
		"all peers are down": {func(_ *testing.T, p *patient, _ *doctorOptions, _ *bool) { p.peers = []attestationtypes.Peer{dead} },
			checkup{"peers", resultFail, "none of 1 peers answers"}},
		"another identity answers": {func(_ *testing.T, p *patient, _ *doctorOptions, _ *bool) {
			p.peers = []attestationtypes.Peer{{Address: "pol1x", PeerId: strangerID, Addresses: other.Addresses(), Expires: 1000}}
		}, checkup{"peer", resultFail, "another identity, " + other.PeerID() + ", answers"}},
		"another private network": {func(_ *testing.T, p *patient, _ *doctorOptions, _ *bool) {
			p.peers = []attestationtypes.Peer{announcementOf(private)}
		},
			checkup{"peer", resultFail, "speaks another language: it has another private network key"}},
		"not on their allow list": {func(_ *testing.T, p *patient, _ *doctorOptions, _ *bool) {
			p.peers = []attestationtypes.Peer{announcementOf(closed)}
		},
			checkup{"peer", resultFail, "we are not on its allow list"}},
		"not on our allow list": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			o.overlay.allowList = filepath.Join(t.TempDir(), "allowed")
			require.NoError(t, os.WriteFile(o.overlay.allowList, []byte(strangerID+"\n"), 0o600))
		}, checkup{"peer", resultFail, "this node's own allow list leaves it out"}},
		"a name that does not resolve": {func(_ *testing.T, p *patient, _ *doctorOptions, _ *bool) {
			p.peers = []attestationtypes.Peer{{Address: "pol1x", PeerId: strangerID, Addresses: []string{"/dns4/nowhere.invalid/tcp/4001"}, Expires: 1000}}
		}, checkup{"peer", resultFail, "the name nowhere.invalid does not resolve"}},
		"an address nobody can use": {func(_ *testing.T, p *patient, _ *doctorOptions, _ *bool) {
			p.peers = []attestationtypes.Peer{{Address: "pol1x", PeerId: strangerID, Addresses: []string{"/ip4/127.0.0.1/udp/1"}, Expires: 1000}}
		}, checkup{"peer", resultFail, "what it announces can't be used"}},
		"peer of another network": {func(_ *testing.T, p *patient, _ *doctorOptions, _ *bool) {
			p.peers = []attestationtypes.Peer{announcementOf(elsewhere)}
		},
			checkup{"peer", resultFail, `network "elsewhere"`}},
		"a peer given by hand": {func(_ *testing.T, p *patient, o *doctorOptions, _ *bool) {
			p.peers = nil
			o.overlay.bootstrap = []string{other.Addresses()[0] + "/p2p/" + other.PeerID()}
		}, checkup{"peer", resultOK, other.PeerID() + ": answers over tcp"}},
		"the sidecar reaches more": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			p.peers = []attestationtypes.Peer{dead}
			o.sidecar = serveSidecar(t, &api.StatusResponse{Ready: true, ChainId: testChain, PeerId: other.PeerID(), Peers: []*api.PeerStatus{{PeerId: strangerID, Connected: true}}})
		}, checkup{"peer", resultOK, strangerID + ": the sidecar is connected to it"}},
		"a network of one machine": {func(*testing.T, *patient, *doctorOptions, *bool) {}, checkup{"reachability", resultOK, "all peers are on this machine"}},
		"neither node nor peers": {func(_ *testing.T, _ *patient, o *doctorOptions, _ *bool) { o.node.node = "127.0.0.1:1" },
			checkup{"peers", resultFail, "without a node the announced peers are not known, and none is given; put the node right first"}},
		"listens on this machine alone": {func(_ *testing.T, p *patient, _ *doctorOptions, _ *bool) {
			p.peers = append(p.peers, attestationtypes.Peer{Address: "pol1public", PeerId: strangerID, Addresses: []string{"/dns4/nowhere.invalid/tcp/4001"}, Expires: 1000})
		},
			checkup{"reachability", resultWarn, "this peer listens on this machine alone, so others can't dial it"}},
		"behind a NAT": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			o.sidecar = serveSidecar(t, &api.StatusResponse{Ready: true, ChainId: testChain, PeerId: strangerID, Addresses: []string{"/ip4/203.0.113.9/tcp/4001"}, Reachability: "private"})
		}, checkup{"reachability", resultWarn, "a firewall or a NAT is in between and no relay is found yet"}},
		"behind a relay": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			o.sidecar = serveSidecar(t, &api.StatusResponse{Ready: true, ChainId: testChain, PeerId: strangerID, Reachability: "private",
				Addresses: []string{"/ip4/203.0.113.9/tcp/4001/p2p/" + other.PeerID() + "/p2p-circuit"}})
		}, checkup{"reachability", resultOK, "others reach this peer through a relay"}},
		"reached directly": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			o.sidecar = serveSidecar(t, &api.StatusResponse{Ready: true, ChainId: testChain, PeerId: strangerID, Addresses: []string{"/ip4/203.0.113.9/tcp/4001"}, Reachability: "public"})
		}, checkup{"reachability", resultOK, "others reach this peer directly"}},
		"not known yet": {func(t *testing.T, p *patient, o *doctorOptions, _ *bool) {
			o.sidecar = serveSidecar(t, &api.StatusResponse{Ready: true, ChainId: testChain, PeerId: strangerID, Addresses: []string{"/ip4/203.0.113.9/tcp/4001"}, Reachability: "unknown"})
		}, checkup{"reachability", resultWarn, "nobody has said yet whether this peer can be reached"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, o, keepHome := healthy(t, other)
			c.breakIt(t, p, o, keepHome)
			if o.node.node == "" {
				o.node.node = p.serve(t)
			}
			d := o.examine(t.Context(), *keepHome)
			found := false
			failed := false
			for _, got := range d.checks {
				found = found || got.Check == c.want.Check && got.Result == c.want.Result && strings.Contains(got.Text, c.want.Text)
				failed = failed || got.Result == resultFail
				require.NotContains(t, got.Text, "\n", "one sentence")
			}
			require.True(t, found, "expected %+v, got %+v", c.want, d.checks)
			var out strings.Builder
			require.Equal(t, failed, d.report(&out, false) != nil)
			require.Equal(t, len(d.checks), strings.Count(out.String(), "\n"))
		})
	}
}

func TestTheDoctorPrintsJSON(t *testing.T) {
	d := &doctor{}
	d.ok("node", "fine")
	d.fail("clock", "wrong by %s", time.Hour)
	var out strings.Builder
	require.ErrorContains(t, d.report(&out, true), "1 of 2 checks failed")
	var got struct {
		OK     bool      `json:"ok"`
		Checks []checkup `json:"checks"`
	}
	require.NoError(t, json.Unmarshal([]byte(out.String()), &got))
	require.False(t, got.OK)
	require.Equal(t, []checkup{{"node", resultOK, "fine"}, {"clock", resultFail, "wrong by 1h0m0s"}}, got.Checks)
	require.Equal(t, exitError, exitCode(d.report(&out, false)))
}

func TestHowFarAddressesReach(t *testing.T) {
	for address, want := range map[string]int{
		"/ip4/127.0.0.1/tcp/1": reachLoopback, "/ip6/::1/tcp/1": reachLoopback, "/ip4/192.168.1.1/tcp/1": reachPrivate, "/ip4/203.0.113.7/tcp/1": reachPublic,
		"/dns4/peer.example/tcp/1": reachPublic, "/dns4/localhost/tcp/1": reachLoopback, "x": reachLoopback,
	} {
		require.Equal(t, want, reach([]string{"/ip4/127.0.0.1/tcp/9", address}), address)
	}
}
