package chain

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cosmossdk.io/collections"
)

func TestANodeOfAnotherChainIsRefused(t *testing.T) {
	c, _ := start(t, &fakeNode{})
	err := c.Identify(t.Context(), "test-2")
	require.ErrorIs(t, err, ErrWrongChain)
	require.ErrorContains(t, err, `expected "test-2"`)
	require.ErrorContains(t, err, `"test-1"`)
	require.NoError(t, c.Identify(t.Context(), ""))
	require.Equal(t, "test-1", c.ChainID())
}

func TestAMissingNodeIsUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	c, err := Dial("tcp://" + address)
	require.NoError(t, err)
	defer c.Close()
	err = c.Identify(t.Context(), "")
	require.ErrorIs(t, err, ErrUnreachable)
	require.ErrorContains(t, err, address)
	require.ErrorContains(t, err, "--node")
}

func TestAnEmptyAddressIsRefused(t *testing.T) {
	_, err := Dial("https://")
	require.ErrorContains(t, err, "host:port")
}

func TestQueryErrorsKeepTheirKind(t *testing.T) {
	c := &Client{target: "node:9090"}
	for _, x := range []struct {
		name string
		err  error
		is   error
	}{
		{"not found by code", status.Error(codes.NotFound, "round 9"), ErrNotFound},
		{"not found by text", status.Error(codes.Unknown, `group "x": group not found`), ErrNotFound},
		{"not found in the store", status.Error(codes.Unknown, "collections: not found: key 'x' of type y"), ErrNotFound},
		{"another thing that is not found", status.Error(codes.Unknown, "plugin not found on this node"), ErrNoAnswer},
		{"known words with a code of their own", status.Error(codes.Internal, "group not found"), ErrNoAnswer},
		{"down", status.Error(codes.Unavailable, "refused"), ErrUnreachable},
		{"before the first block", status.Error(codes.Unknown, "x is not ready; please wait for first block: invalid height"), ErrUnreachable},
		{"after a restart", status.Error(codes.Unknown, "codespace sdk code 26: invalid height: context did not contain latest block height in either check state or finalize block state (118)"), ErrUnreachable},
		{"behind the others", status.Error(codes.Unknown, "endpoint is closed while node is catching up"), ErrUnreachable},
		{"anything else", status.Error(codes.Internal, "disk on fire"), ErrNoAnswer},
		{"slow", status.Error(codes.DeadlineExceeded, "x"), ErrTimeout},
	} {
		t.Run(x.name, func(t *testing.T) { require.ErrorIs(t, c.queryError("it", x.err), x.is) })
	}
	require.NoError(t, c.queryError("it", nil))
	require.ErrorIs(t, ErrNotFound, collections.ErrNotFound, "one value everywhere")
}
