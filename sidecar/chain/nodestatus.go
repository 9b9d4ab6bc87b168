package chain

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/client/grpc/cmtservice"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
)

// Denom is the coin in which fees are paid.
const Denom = "unrn"

// NodeStatus is how far a node is.
type NodeStatus struct {
	Height  int64
	Time    time.Time // of the last block
	Syncing bool
}

// NodeStatus returns the last block of the node and whether it is catching up.
func (c *Client) NodeStatus(ctx context.Context) (NodeStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	service := cmtservice.NewServiceClient(c.conn)
	syncing, err := service.GetSyncing(ctx, &cmtservice.GetSyncingRequest{})
	if err != nil {
		return NodeStatus{}, c.queryError("whether it is catching up", err)
	}
	block, err := service.GetLatestBlock(ctx, &cmtservice.GetLatestBlockRequest{})
	if err != nil {
		return NodeStatus{}, c.queryError("its last block", err)
	}
	if block.SdkBlock == nil {
		return NodeStatus{}, errors.Join(ErrNoAnswer, errors.New("expected a last block, got none"))
	}
	return NodeStatus{Height: block.SdkBlock.Header.Height, Time: block.SdkBlock.Header.Time, Syncing: syncing.Syncing}, nil
}

// Funds returns what an account has of the fee coin; exists is false for one that the chain has never seen.
func (c *Client) Funds(ctx context.Context, account string) (amount math.Int, exists bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err = authtypes.NewQueryClient(c.conn).AccountInfo(ctx, &authtypes.QueryAccountInfoRequest{Address: account})
	if status.Code(err) == codes.NotFound {
		return math.ZeroInt(), false, nil
	}
	if err != nil {
		return math.ZeroInt(), false, c.queryError("account "+account, err)
	}
	r, err := banktypes.NewQueryClient(c.conn).Balance(ctx, &banktypes.QueryBalanceRequest{Address: account, Denom: Denom})
	if err != nil {
		return math.ZeroInt(), true, c.queryError("the balance of "+account, err)
	}
	if r.Balance == nil || r.Balance.Amount.IsNil() {
		return math.ZeroInt(), true, nil
	}
	return r.Balance.Amount, true, nil
}
