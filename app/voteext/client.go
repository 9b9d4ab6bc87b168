package voteext

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/pold-network/pold/sidecar/api"
)

// Client asks a sidecar over gRPC; it connects in the background and reconnects by itself.
type Client struct {
	connection *grpc.ClientConn
	client     api.SidecarClient
}

// Dial returns a client of the sidecar at a loopback address such as 127.0.0.1:9700. The sidecar need not run yet.
func Dial(address string) (*Client, error) {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("sidecar address %q: %w; expected host:port", address, err)
	}
	return &Client{connection: connection, client: api.NewSidecarClient(connection)}, nil
}

// Answers asks for what the sidecar has computed.
func (c *Client) Answers(ctx context.Context, request *api.AnswersRequest) (*api.AnswersResponse, error) {
	return c.client.Answers(ctx, request)
}

// Close ends the connection.
func (c *Client) Close() error { return c.connection.Close() }
