package chain

import (
	"context"
	"fmt"

	sdk "github.com/cosmos/cosmos-sdk/types"

	reputationtypes "github.com/pold-network/pold/x/reputation/types"
)

// scoreUnit is the best value of each part of a reputation.
const scoreUnit = 1_000_000_000

// Reputation returns the standing of an account from 0 to 1: the mean of the three parts. What a validator does counts for its operator
// address, so of the two the worse one with a history is taken.
func (c *Client) Reputation(ctx context.Context, account string) (float64, error) {
	address, err := sdk.AccAddressFromBech32(account)
	if err != nil {
		return 0, fmt.Errorf("account %q: %w", account, err)
	}
	own, err := c.score(ctx, account)
	if err != nil {
		return 0, err
	}
	operator, err := c.score(ctx, sdk.ValAddress(address).String())
	if err != nil {
		return 0, err
	}
	return worse(own, operator), nil
}

func (c *Client) score(ctx context.Context, address string) (reputationtypes.Score, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := reputationtypes.NewQueryClient(c.conn).Score(ctx, &reputationtypes.QueryScoreRequest{Address: address})
	if err != nil {
		return reputationtypes.Score{}, c.queryError("the reputation of "+address, err)
	}
	return r.Score, nil
}

// worse returns the lower mean of the scores that have a history, or that of the first when neither has one.
func worse(account, operator reputationtypes.Score) float64 {
	mean := func(s reputationtypes.Score) float64 {
		return (float64(s.StorageE9) + float64(s.ModelE9) + float64(s.ConductE9)) / (3 * scoreUnit)
	}
	switch {
	case operator.Count == 0:
		return mean(account)
	case account.Count == 0:
		return mean(operator)
	}
	return min(mean(account), mean(operator))
}
