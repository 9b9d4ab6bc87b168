package main

import (
	"context"
	"errors"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	gogogrpc "github.com/cosmos/gogoproto/grpc"
	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/types/query"

	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// queryTimeout is how long a node may take for one answer.
const queryTimeout = 30 * time.Second

// node asks a pold node about its state. Tests give it answers of their own.
type node struct {
	sets   trainingsettypes.QueryClient
	votes  votingtypes.QueryClient
	groups poltypes.QueryClient
}

func newNode(c gogogrpc.ClientConn) node {
	return node{trainingsettypes.NewQueryClient(c), votingtypes.NewQueryClient(c), poltypes.NewQueryClient(c)}
}

// addNodeFlags adds the flags that say which node to ask.
func addNodeFlags(cmd *cobra.Command) {
	cmd.Flags().String(flags.FlagNode, "tcp://localhost:26657", "RPC address of a pold node")
	cmd.Flags().String(flags.FlagChainID, "", "refuse a node of another chain (default: that of client.toml, or any)")
}

// openNode returns the node that the flags and client.toml name.
func openNode(cmd *cobra.Command) (node, client.Context) {
	clientCtx := client.GetClientContextFromCmd(cmd)
	c := conn{Context: clientCtx}
	if clientCtx.ChainID != "" {
		c.check = sync.OnceValue(func() error {
			_, err := chainID(cmd.Context(), clientCtx)
			return err
		})
	}
	return newNode(c), clientCtx
}

// chainID returns the chain of the node, which must be the expected one if there is any.
func chainID(ctx context.Context, clientCtx client.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	s, err := clientCtx.Client.Status(ctx)
	if err != nil {
		return "", explain(err, clientCtx.NodeURI)
	}
	if expected, got := clientCtx.ChainID, s.NodeInfo.Network; expected != "" && expected != got {
		return "", fail(exitError, "expected a node of chain %s, the one at %s is of %s; name another with --node, or the chain with --chain-id", expected, clientCtx.NodeURI, got)
	}
	return s.NodeInfo.Network, nil
}

// conn sends queries through the RPC of a node, so that one address is enough, and says in words what goes wrong.
type conn struct {
	client.Context
	// check, if any, says before the first question whether the node is of the expected chain.
	check func() error
}

// Invoke implements gogogrpc.ClientConn.
func (c conn) Invoke(ctx context.Context, method string, request, reply any, opts ...grpc.CallOption) error {
	if c.check != nil {
		if err := c.check(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	return explain(c.Context.WithCmdContext(ctx).Invoke(ctx, method, request, reply, opts...), c.NodeURI)
}

// explain gives an error of a node its exit code and takes the wrapping of the layers below off it.
func explain(err error, node string) error {
	if err == nil {
		return nil
	}
	var away *net.OpError
	var request *url.Error
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return fail(exitTimeout, "the node at %s gives no answer; try again, or name another with --node", node)
	case errors.As(err, &away):
		return fail(exitUnreachable, "no node answers at %s (%w); start one, or name another with --node", node, away)
	case errors.As(err, &request):
		return fail(exitUnreachable, "no node answers at %s (%w); start one, or name another with --node", node, request)
	}
	s, ok := status.FromError(err)
	if !ok {
		return err
	}
	text := unwrapped(s.Message())
	if s.Code() == codes.NotFound {
		return fail(exitNotFound, "%s", text)
	}
	return fail(exitError, "%s", text)
}

var (
	grpcPrefix  = regexp.MustCompile(`^rpc error: code = \w+ desc = `)
	failedIndex = regexp.MustCompile(`^failed to execute message; message index: \d+: `)
	sdkSuffix   = regexp.MustCompile(`(: key not found|: unknown request|: invalid request| \[[^\]]*\.go:\d+\]| with gas used: '\d+')$`)
)

// unwrapped is the part of an error of a node that was written for people.
func unwrapped(text string) string {
	for {
		before := text
		text = strings.TrimSpace(grpcPrefix.ReplaceAllString(text, ""))
		text = failedIndex.ReplaceAllString(text, "")
		text = sdkSuffix.ReplaceAllString(text, "")
		if text == before {
			return plain(text)
		}
	}
}

// allPages collects a list that the node gives page by page.
func allPages[T any](ask func(*query.PageRequest) ([]T, *query.PageResponse, error)) ([]T, error) {
	var all []T
	page := &query.PageRequest{Limit: 100}
	for {
		items, next, err := ask(page)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if next == nil || len(next.NextKey) == 0 {
			return all, nil
		}
		page.Key = next.NextKey
	}
}
