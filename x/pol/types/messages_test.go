package types_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"sync"
	"testing"

	gogoproto "github.com/cosmos/gogoproto/proto"
	"github.com/stretchr/testify/require"
	protov2 "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	amino "cosmossdk.io/api/amino"
	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/x/tx/signing/aminojson"

	"github.com/pold-network/pold/x/pol/types"
)

var update = flag.Bool("update", false, "write the golden files")

// maxAminoName is the longest name that the Ledger application takes.
const maxAminoName = 39

// files returns all descriptors of the binary with their imports resolved.
var files = sync.OnceValues(gogoproto.MergedRegistry)

func service(t *testing.T, file, name string) protoreflect.ServiceDescriptor {
	t.Helper()
	all, err := files()
	require.NoError(t, err)
	d, err := all.FindFileByPath(file)
	require.NoError(t, err)
	s := d.Services().ByName(protoreflect.Name(name))
	require.NotNil(t, s)
	return s
}

// walk visits the fields of a message and of everything inside it.
func walk(m protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool, visit func(protoreflect.FieldDescriptor)) {
	if seen[m.FullName()] {
		return
	}
	seen[m.FullName()] = true
	if m.IsPlaceholder() {
		panic(string(m.FullName()) + " is not resolved")
	}
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		visit(f)
		if f.Message() != nil && !f.IsMap() {
			walk(f.Message(), seen, visit)
		}
	}
}

func TestMessagesAndAnswersHoldNothingThatAminoCannotSay(t *testing.T) {
	checked := 0
	plain := func(m protoreflect.MessageDescriptor) {
		walk(m, map[protoreflect.FullName]bool{}, func(f protoreflect.FieldDescriptor) {
			checked++
			require.NotContains(t, []protoreflect.Kind{protoreflect.FloatKind, protoreflect.DoubleKind}, f.Kind(), "%s is a float", f.FullName())
			require.False(t, f.IsMap(), "%s is a map", f.FullName())
			require.Nil(t, f.ContainingOneof(), "%s stands in a oneof", f.FullName())
		})
	}
	messages, queries := service(t, "pold/pol/v1/tx.proto", "Msg").Methods(), service(t, "pold/pol/v1/query.proto", "Query").Methods()
	for i := range messages.Len() {
		plain(messages.Get(i).Input())
		plain(messages.Get(i).Output())
	}
	for i := range queries.Len() {
		plain(queries.Get(i).Output())
	}
	require.Greater(t, checked, 100)
}

func TestEveryMessageHasAnAminoNameForLedger(t *testing.T) {
	methods := service(t, "pold/pol/v1/tx.proto", "Msg").Methods()
	require.Equal(t, len(messages()), methods.Len(), "every message has a golden amino JSON")
	seen := map[string]bool{}
	for i := range methods.Len() {
		m := methods.Get(i).Input()
		name := protov2.GetExtension(m.Options(), amino.E_Name).(string)
		require.True(t, strings.HasPrefix(name, "pold/pol/Msg"), "%s: %q", m.FullName(), name)
		require.LessOrEqual(t, len(name), maxAminoName, name)
		require.False(t, seen[name], name)
		seen[name] = true
	}
}

// messages returns one of each kind with every field set.
func messages() []gogoproto.Message {
	settings := digitsSettings()
	settings.Model.Layers[2].Inputs = []string{"act"}
	settings.MinImprovementE9, settings.MaxSteps = 1_000, 40
	settings.AllowList = []string{account(2)}
	settings.BountyPerRound = math.NewInt(9)
	settings.Segments, settings.Mapping, settings.Providers = 16, true, []string{account(3), account(4)}
	settings.Recipe = types.RecipeBounds{
		Optimizers: []string{"adam", "sgd"}, MinLearningRateE9: 1, MaxLearningRateE9: 2, MinBatchSize: 3, MaxBatchSize: 4, MinSteps: 5, MaxSteps: 6,
	}
	hash := settings.InitSeed
	return []gogoproto.Message{
		&types.MsgCreateGroup{Sender: account(1), Name: "digits", Settings: settings},
		&types.MsgFundGroup{Sender: account(1), Group: "digits", Amount: math.NewInt(5_000_000)},
		&types.MsgCommitCheckpoint{Sender: account(1), Group: "digits", Round: 3, Commitment: hash},
		&types.MsgSubmitCheckpoint{
			Sender: account(1), Group: "digits", Round: 3, CheckpointCid: "bafkqaaa", CheckpointHash: hash, Size_: 10_240,
			TranscriptRoot: hash, ClaimedLossE9: 195_000_000, Salt: hash[:16], TranscriptCid: "bafkqaab", TranscriptSize: 4_096,
		},
		&types.MsgBondGroup{Sender: account(1), Group: "digits", Amount: math.NewInt(1_000_000)},
		&types.MsgUnbondGroup{Sender: account(1), Group: "digits", Amount: math.ZeroInt()},
		&types.MsgProvideBatches{Sender: account(1), Group: "digits", Bond: math.NewInt(7), Batches: []types.SealedBatchInfo{
			{Round: 4, Cid: "bafkqaab", Sha256: hash, Size_: 100, TableSha256: hash, Rows: 5, KeyHash: hash},
		}},
		&types.MsgRevealBatchKey{Sender: account(1), Group: "digits", Round: 4, Key: hash},
		&types.MsgWithdrawProviderBond{Sender: account(1), Group: "digits"},
		&types.MsgPlantCanary{Sender: account(1), Group: "digits", Round: 4, Commitment: hash},
		&types.MsgOpenCanary{Sender: account(1), Group: "digits", Round: 4, Trainer: account(2), Finding: 2, ClaimLossE9: 195_000_000, Salt: hash},
		&types.MsgProposeGroupChange{Sender: account(1), Group: "digits", Summary: "decide daily",
			Times: &types.GroupTimes{CommitBlocks: 1, RevealBlocks: 2, NominalSeconds: 3, PeriodSeconds: 4}, Model: &types.ModelSpec{InputShape: []uint32{4}}},
		&types.MsgForkGroup{Sender: account(1), Source: "digits", Name: "mine", TrainingSet: "my-digits"},
		&types.MsgSetGroupCoinbase{Authority: account(1), Group: "digits", Enabled: true},
		&types.MsgUpdateParams{Authority: account(1), Params: types.DefaultParams()},
	}
}

// bareMessages returns messages with as little set as a wallet would send.
func bareMessages() []gogoproto.Message {
	zero := math.ZeroInt()
	return []gogoproto.Message{
		&types.MsgCreateGroup{Sender: account(1), Settings: types.GroupSettings{CommitBond: zero, BountyPerRound: zero}},
		&types.MsgFundGroup{Amount: zero}, &types.MsgCommitCheckpoint{}, &types.MsgSubmitCheckpoint{}, &types.MsgBondGroup{Amount: zero},
		&types.MsgUnbondGroup{Amount: zero}, &types.MsgSetGroupCoinbase{Group: "digits"},
		&types.MsgProvideBatches{Bond: zero}, &types.MsgRevealBatchKey{}, &types.MsgWithdrawProviderBond{}, &types.MsgPlantCanary{}, &types.MsgOpenCanary{},
		&types.MsgProposeGroupChange{}, &types.MsgForkGroup{},
		&types.MsgUpdateParams{Params: types.Params{MinGroupStake: zero, CreationFee: zero, SandboxFee: zero}},
	}
}

// TestAminoJSONIsTheStoredOne pins what a Ledger shows and signs, and that the two encoders of the SDK agree on it.
func TestAminoJSONIsTheStoredOne(t *testing.T) {
	all, err := files()
	require.NoError(t, err)
	legacy := codec.NewLegacyAmino()
	types.RegisterLegacyAminoCodec(legacy)
	encoder := aminojson.NewEncoder(aminojson.EncoderOptions{FileResolver: all})
	got := map[string]json.RawMessage{}
	for _, m := range append(bareMessages(), messages()...) {
		name := gogoproto.MessageName(m)
		descriptor, err := all.FindDescriptorByName(protoreflect.FullName(name))
		require.NoError(t, err)
		raw, err := gogoproto.Marshal(m)
		require.NoError(t, err)
		dynamic := dynamicpb.NewMessage(descriptor.(protoreflect.MessageDescriptor))
		require.NoError(t, protov2.Unmarshal(raw, dynamic))
		signed, err := encoder.Marshal(dynamic)
		require.NoError(t, err, name)
		old, err := legacy.MarshalJSON(m)
		require.NoError(t, err, name)
		require.JSONEq(t, string(old), string(signed), "%s: the two encoders differ", name)
		got[name] = signed
	}
	const path = "testdata/amino.json"
	b, err := json.MarshalIndent(got, "", "  ")
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(path, append(b, '\n'), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(b)+"\n")
}
