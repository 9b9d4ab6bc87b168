package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/codec/address"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"

	"github.com/pold-network/pold/x/pol/keeper"
	"github.com/pold-network/pold/x/pol/types"
)

// A listener that fails must not keep another from hearing.
func TestEachListenerIsToldByItself(t *testing.T) {
	e := emptyEnv(t)
	bad, good := &recorder{fails: types.ErrInvalidParams.Wrap("a hook")}, &recorder{}
	cdc := codec.NewProtoCodec(codectypes.NewInterfaceRegistry())
	e.k = keeper.NewKeeper(cdc, e.service, account(0), e.bank, e.att, e.sets, e.votes, nil, address.NewBech32Codec("polvaloper"), types.MultiHooks{bad, good})
	e.att.outcomes = keeper.Outcomes{Keeper: e.k}
	e.msg, e.q = keeper.NewMsgServer(e.k), keeper.NewQueryServer(e.k)
	e.lax = true
	e.start(nil)
	s := settings()
	prove(&s)
	e.must(&types.MsgCreateGroup{Sender: account(7), Name: "digits", Settings: s})
	e.next()
	require.Equal(t, account(1), e.play("digits", trained(1, 10)).Winner, "reputations are optional")
	require.Len(t, bad.settled, 1)
	require.Len(t, good.settled, 1)
	require.Len(t, e.failures, 1)
	require.ErrorContains(t, types.MultiHooks{bad, good}.AfterRoundSettled(e.ctx, good.settled[0]), "a hook")
	require.Len(t, good.settled, 2)
}
