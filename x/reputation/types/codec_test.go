package types_test

import (
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

	"github.com/pold-network/pold/x/reputation/types"
)

func TestErrorCodesNeverMove(t *testing.T) {
	for code, err := range map[uint32]*errorsmod.Error{2: types.ErrInvalidParams, 3: types.ErrInvalidScore, 4: types.ErrInvalidAddress} {
		require.Equal(t, code, err.ABCICode(), err.Error())
		require.Equal(t, "reputation", err.Codespace())
		require.Equal(t, strings.ToLower(err.Error()[:1]), err.Error()[:1], "errors start in lower case")
	}
}

// Only parameters can be changed by a message: reputations are written by hooks.
func TestTheOnlyMessageChangesParameters(t *testing.T) {
	d, err := proto.HybridResolver.FindDescriptorByName("pold.reputation.v1.Msg")
	require.NoError(t, err)
	methods := d.(protoreflect.ServiceDescriptor).Methods()
	require.Equal(t, 1, methods.Len())
	name, _ := protov2.GetExtension(methods.Get(0).Input().Options(), amino.E_Name).(string)
	require.Equal(t, "pold/reputation/MsgUpdateParams", name)
	require.LessOrEqual(t, len(name), 39, "Ledger devices refuse longer names")
}

func TestAminoSignBytes(t *testing.T) {
	m := &types.MsgUpdateParams{Authority: "pol1gov", Params: types.DefaultParams()}
	const golden = `{"type":"pold/reputation/MsgUpdateParams","value":{"authority":"pol1gov","params":{"conduct_rate_e9":"50000000",` +
		`"half_life_seconds":"2592000","initial_e9":"500000000","max_events":32,"max_extra_segments":3,"min_factor_e6":"800000",` +
		`"model_rate_e9":"50000000","storage_rate_e9":"20000000"}}}`

	cdc := codec.NewLegacyAmino()
	types.RegisterLegacyAminoCodec(cdc)
	legacy, err := cdc.MarshalJSON(m)
	require.NoError(t, err)
	require.JSONEq(t, golden, string(legacy))

	// The whole registry, not the resolver of single names: only it knows the fields of messages within messages.
	all, err := proto.MergedRegistry()
	require.NoError(t, err)
	d, err := all.FindDescriptorByName("pold.reputation.v1.MsgUpdateParams")
	require.NoError(t, err)
	dynamic := dynamicpb.NewMessage(d.(protoreflect.MessageDescriptor))
	b, err := proto.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, protov2.Unmarshal(b, dynamic))
	signed, err := aminojson.NewEncoder(aminojson.EncoderOptions{FileResolver: all}).Marshal(dynamic)
	require.NoError(t, err)
	require.Equal(t, golden, string(signed), "what a wallet signs: keys in order, no spaces")
}
