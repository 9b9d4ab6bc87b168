package types_test

import (
	"fmt"
	"strings"
	"testing"

	"cosmossdk.io/api/amino"
	"github.com/cosmos/gogoproto/proto"
	"github.com/stretchr/testify/require"
	protov2 "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	errorsmod "cosmossdk.io/errors"

	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/x/tx/signing/aminojson"

	"github.com/pold-network/pold/x/slashing/types"
)

func TestErrorCodesNeverMove(t *testing.T) {
	for code, err := range map[uint32]*errorsmod.Error{
		2: types.ErrInvalidParams,
		3: types.ErrInvalidGenesis,
		4: types.ErrNotQueued,
		5: types.ErrInvalidReason,
	} {
		require.Equal(t, code, err.ABCICode(), err.Error())
		require.Equal(t, "polslashing", err.Codespace())
		require.Equal(t, strings.ToLower(err.Error()[:1]), err.Error()[:1], "errors start in lower case")
	}
}

// Ledger devices refuse names of more than 39 characters.
func TestEveryMessageHasAnAminoNameThatALedgerTakes(t *testing.T) {
	d, err := proto.HybridResolver.FindDescriptorByName("pold.slashing.v1.Msg")
	require.NoError(t, err)
	methods := d.(protoreflect.ServiceDescriptor).Methods()
	require.Equal(t, 2, methods.Len())
	for i := range methods.Len() {
		request := methods.Get(i).Input()
		name, ok := protov2.GetExtension(request.Options(), amino.E_Name).(string)
		require.True(t, ok)
		require.NotEmpty(t, name, request.FullName())
		require.LessOrEqual(t, len(name), 39, name)
	}
}

func TestAminoSignBytesOfAnAppeal(t *testing.T) {
	m := &types.MsgCancelPenalty{Authority: "pol1governance", PenaltyId: 7, Reason: "the release was bad"}
	const golden = `{"type":"pold/slashing/MsgCancelPenalty","value":{"authority":"pol1governance","penalty_id":"7","reason":"the release was bad"}}`

	cdc := codec.NewLegacyAmino()
	types.RegisterLegacyAminoCodec(cdc)
	legacy, err := cdc.MarshalJSON(m)
	require.NoError(t, err)
	require.JSONEq(t, golden, string(legacy))

	d, err := proto.HybridResolver.FindDescriptorByName("pold.slashing.v1.MsgCancelPenalty")
	require.NoError(t, err)
	dynamic := dynamicpb.NewMessage(d.(protoreflect.MessageDescriptor))
	b, err := proto.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, protov2.Unmarshal(b, dynamic))
	signed, err := aminojson.NewEncoder(aminojson.EncoderOptions{FileResolver: proto.HybridResolver}).Marshal(dynamic)
	require.NoError(t, err)
	require.Equal(t, golden, string(signed), "what a wallet signs: keys in order, no spaces")
}

// A name that is registered in one place only makes wallets and nodes disagree about sign bytes.
func TestLegacyAminoKnowsTheNamesOfTheDefinitions(t *testing.T) {
	cdc := codec.NewLegacyAmino()
	types.RegisterLegacyAminoCodec(cdc)
	for _, m := range []proto.Message{&types.MsgCancelPenalty{}, &types.MsgUpdateParams{}} {
		d, err := proto.HybridResolver.FindDescriptorByName(protoreflect.FullName(proto.MessageName(m)))
		require.NoError(t, err)
		name := protov2.GetExtension(d.Options(), amino.E_Name).(string)
		b, err := cdc.MarshalJSON(m)
		require.NoError(t, err)
		require.Contains(t, string(b), fmt.Sprintf("%q", name))
	}
}
