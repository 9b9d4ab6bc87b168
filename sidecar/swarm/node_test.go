package swarm

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"
)

func TestARestartKeepsIdentityAndObjects(t *testing.T) {
	cfg := testConfig(t)
	first := open(t, cfg)
	data := content("restart", ChunkSize+5)
	obj := add(t, first, data)
	id := first.PeerID()
	require.NoError(t, first.Close())

	second := open(t, cfg)
	require.Equal(t, id, second.PeerID())
	objects, err := second.Objects(t.Context())
	require.NoError(t, err)
	require.Equal(t, []Object{obj}, objects)
	got, err := second.Get(t.Context(), obj.CID)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, got))
}

func TestThePeerIDVerifiesSignatures(t *testing.T) {
	n := open(t, testConfig(t))
	sig, err := n.Sign([]byte("announce"))
	require.NoError(t, err)
	id, err := peer.Decode(n.PeerID())
	require.NoError(t, err)
	key, err := id.ExtractPublicKey()
	require.NoError(t, err)
	ok, err := key.Verify([]byte("announce"), sig)
	require.NoError(t, err)
	require.True(t, ok)
	ok, err = key.Verify([]byte("announcE"), sig)
	require.NoError(t, err)
	require.False(t, ok)
	info, err := os.Stat(filepath.Join(n.cfg.Home, "identity.key"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
}

func TestAddressesAreWhatTheChainRecords(t *testing.T) {
	n := open(t, testConfig(t))
	require.Len(t, n.Addresses(), 1)
	require.Regexp(t, `^/ip4/127\.0\.0\.1/tcp/[1-9]\d*$`, n.Addresses()[0])

	cfg := testConfig(t)
	cfg.Announce = []string{"/dns4/pold.example/tcp/4001"}
	require.Equal(t, cfg.Announce, open(t, cfg).Addresses())
}

func TestATakenPortIsAClearError(t *testing.T) {
	first := open(t, testConfig(t))
	cfg := testConfig(t)
	cfg.Listen = first.Addresses()
	_, err := Open(t.Context(), cfg)
	require.ErrorContains(t, err, first.Addresses()[0])
	require.ErrorContains(t, err, "the port is taken by another program; stop it or choose another port")
	// One free address beside it does not hide the error.
	cfg.Listen = append([]string{"/ip4/127.0.0.1/tcp/0"}, cfg.Listen...)
	_, err = Open(t.Context(), cfg)
	require.ErrorContains(t, err, "the port is taken")
}

func TestOneHomeOneProcess(t *testing.T) {
	cfg := testConfig(t)
	open(t, cfg)
	_, err := Open(t.Context(), cfg)
	require.ErrorContains(t, err, "in use by another process")
}

func TestWhatKeepsANodeFromStarting(t *testing.T) {
	rsa, _, err := crypto.GenerateKeyPair(crypto.RSA, 2048)
	require.NoError(t, err)
	raw, err := crypto.MarshalPrivateKey(rsa)
	require.NoError(t, err)
	write := func(name, text string, mode os.FileMode) func(*testing.T, *Config) {
		return func(t *testing.T, c *Config) {
			require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(c.Home, name)), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(c.Home, name), []byte(text), mode))
		}
	}
	for name, tc := range map[string]struct {
		breakIt func(*testing.T, *Config)
		want    []string
	}{
		"no home":                    {func(_ *testing.T, c *Config) { c.Home = "" }, []string{"swarm home is empty"}},
		"identity is no base64":      {write("identity.key", "?", 0o600), []string{"identity.key is damaged", "restore it"}},
		"identity is cut off":        {write("identity.key", "CAES", 0o600), []string{"identity.key is damaged"}},
		"identity of another kind":   {write("identity.key", base64.StdEncoding.EncodeToString(raw), 0o600), []string{"expected an ed25519 key, got RSA"}},
		"identity others can read":   {write("identity.key", "CAES", 0o644), []string{"expected mode 0600, got 0644", "chmod 600"}},
		"list of objects is damaged": {write("objects.log", "?\n", 0o600), []string{"objects.log is damaged", "move it away"}},
		"list of a newer version":    {write("objects.log", "{\"objects\":2}\n", 0o600), []string{`expected {"objects":1}`}},
		"objects are no folder":      {write("objects", "x", 0o600), []string{"object store"}},
		"listen is no address":       {func(_ *testing.T, c *Config) { c.Listen = []string{"localhost:4001"} }, []string{"listen: ", "expected a multiaddr"}},
		"listen without a transport": {func(_ *testing.T, c *Config) { c.Listen = []string{"/ip4/127.0.0.1/udp/4001"} },
			[]string{"expected host and port"}},
		"listen at a relay": {func(_ *testing.T, c *Config) {
			c.Listen = []string{"/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5/p2p-circuit"}
		}, []string{"expected an address of this machine, got that of a relay"}},
		"bootstrap without a peer id": {func(_ *testing.T, c *Config) { c.Bootstrap = []string{"/ip4/127.0.0.1/tcp/4001"} },
			[]string{"bootstrap: ", "expected it to end in the peer's id"}},
		"network with a slash":     {func(_ *testing.T, c *Config) { c.Network = "a/b" }, []string{"expected a name such as a chain id"}},
		"allow list is not there":  {func(_ *testing.T, c *Config) { c.AllowList = "nobody" }, []string{`expected "announced" or a file of peer ids, got "nobody"`}},
		"network key is not there": {func(_ *testing.T, c *Config) { c.PrivateKeyFile = "nothing" }, []string{"key of the private network"}},
		"listen on a foreign address": {func(_ *testing.T, c *Config) { c.Listen = []string{"/ip4/192.0.2.1/tcp/0"} },
			[]string{"this machine does not have the address"}},
		"negative limit":       {func(_ *testing.T, c *Config) { c.MaxObject = -1 }, []string{"expected a positive number of bytes, got -1"}},
		"too many to announce": {func(_ *testing.T, c *Config) { c.Announce = make([]string, 5) }, []string{"expected at most 4, got 5"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t)
			tc.breakIt(t, &cfg)
			_, err := Open(t.Context(), cfg)
			require.Error(t, err)
			for _, part := range tc.want {
				require.ErrorContains(t, err, part)
			}
		})
	}
}

func TestAnObjectAboveTheLimitIsNotAdded(t *testing.T) {
	cfg := testConfig(t)
	cfg.MaxObject = 10
	n := open(t, cfg)
	_, err := n.Add(t.Context(), make([]byte, 11))
	require.ErrorIs(t, err, ErrTooLarge)
	_, err = n.Add(t.Context(), make([]byte, 10))
	require.NoError(t, err)
}

func TestAClosedNodeSaysSo(t *testing.T) {
	n := open(t, testConfig(t))
	data := content("closed", 2*ChunkSize)
	id, err := CIDOf(data)
	require.NoError(t, err)
	waiting := make(chan error, 1)
	started := make(chan struct{})
	go func() {
		close(started)
		_, err := n.Fetch(t.Context(), id, expect(data))
		waiting <- err
	}()
	<-started
	require.NoError(t, n.Close())
	require.ErrorIs(t, <-waiting, ErrClosed)
	_, err = n.Add(t.Context(), data)
	require.ErrorIs(t, err, ErrClosed)
	_, err = n.Get(t.Context(), id)
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, n.SetPeers(t.Context(), nil), ErrClosed)
	require.NoError(t, n.Close(), "closing twice is allowed")
}

func TestCloseLeavesNoGoroutines(t *testing.T) {
	cycle := func(t *testing.T) {
		a, err := Open(t.Context(), testConfig(t))
		require.NoError(t, err)
		b, err := Open(t.Context(), testConfig(t))
		require.NoError(t, err)
		introduce(t, a, b)
		data := content("leak", ChunkSize+1)
		obj := add(t, a, data)
		require.NoError(t, a.Provide(t.Context(), obj.CID))
		fetch(t, b, obj.CID, data)
		require.NoError(t, a.Close())
		require.NoError(t, b.Close())
	}
	cycle(t) // starts what lives as long as the process
	var before int
	eventually(t, "goroutines to settle", func() bool {
		before = runtime.NumGoroutine()
		time.Sleep(100 * time.Millisecond)
		return runtime.NumGoroutine() >= before
	})
	cycle(t)
	defer func() {
		if t.Failed() {
			buf := make([]byte, 1<<20)
			t.Log(string(buf[:runtime.Stack(buf, true)]))
		}
	}()
	eventually(t, "all goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
}

func TestBackgroundTroubleIsLogged(t *testing.T) {
	var out bytes.Buffer
	cfg := testConfig(t)
	cfg.Logger = slog.New(slog.NewTextHandler(&out, nil))
	n := open(t, cfg)
	data := content("log", 10)
	obj := add(t, n, data)
	damage(t, cfg.Home, obj.CID, 0)
	_, err := n.Get(t.Context(), obj.CID)
	require.ErrorIs(t, err, ErrDamaged)
	require.NoError(t, n.Close())
	require.True(t, strings.Contains(out.String(), "a chunk was damaged on disk"))
}
