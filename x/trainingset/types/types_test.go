package types_test

import (
	"bytes"
	"encoding/hex"
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

	errorsmod "cosmossdk.io/errors"

	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/x/tx/signing/aminojson"

	"github.com/pold-network/pold/x/trainingset/types"
)

const tableCID = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"

func TestMain(m *testing.M) {
	sdk.GetConfig().SetBech32PrefixForAccount("pol", "polpub")
	os.Exit(m.Run())
}

func table() types.Table {
	return types.Table{
		Cid: tableCID, Sha256: bytes.Repeat([]byte{1}, 32), Size_: 1_000, Rows: 10, Columns: 5, Targets: 1,
		Root: bytes.Repeat([]byte{2}, 32), ValidationPermille: 200,
	}
}

func TestNames(t *testing.T) {
	for _, good := range []string{"d0", "digits", "a-set-with-the-longest-name-0000"} {
		require.NoError(t, types.ValidateName(good), good)
	}
	for _, bad := range []string{"", "d", "Digits", "0d", "a/b", "digits\n", "a-set-with-the-longest-name-00000"} {
		require.ErrorIs(t, types.ValidateName(bad), types.ErrInvalidName, bad)
	}
}

func TestCIDsThatAreRefused(t *testing.T) {
	require.NoError(t, types.ValidateCID(tableCID))
	for name, bad := range map[string]string{
		"nothing": "", "no CID": "hello", "version 0": "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG",
		"upper case": strings.ToUpper(tableCID), "a space": tableCID + " ", "cut off": tableCID[:len(tableCID)-1],
		"another base": "zb2rhe5P4gXftAwvA4eXQ5HJwsER2owDyS9sKaQRRVQPn93bA", "another hash": "bafkqaaa",
	} {
		err := types.ValidateCID(bad)
		require.ErrorIs(t, err, types.ErrInvalidTable, name)
		require.ErrorContains(t, err, "cid", name)
	}
}

func TestTablesThatAreRefused(t *testing.T) {
	require.NoError(t, table().Validate(types.DefaultParams()))
	for says, change := range map[string]func(*types.Table){
		`cid ""`: func(x *types.Table) { x.Cid = "" },
		"sha256 and root: expected 32 bytes each, got 31 and 32": func(x *types.Table) { x.Sha256 = x.Sha256[1:] },
		"sha256 and root: expected 32 bytes each, got 32 and 0":  func(x *types.Table) { x.Root = nil },
		"size: expected 1 to 1073741824 bytes, got 0":            func(x *types.Table) { x.Size_ = 0 },
		"bytes, got 1073741825":                                  func(x *types.Table) { x.Size_ = 1<<30 + 1 },
		"rows: expected 1 to 4194304, got 0":                     func(x *types.Table) { x.Rows = 0 },
		"rows: expected 1 to 4194304, got 4194305":               func(x *types.Table) { x.Rows = 4<<20 + 1 },
		"columns: expected 2 to 65536, got 1":                    func(x *types.Table) { x.Columns = 1 },
		"columns: expected 2 to 65536, got 65537":                func(x *types.Table) { x.Columns = 65_537 },
		"targets: expected 1 to 4 of 5 columns, got 0":           func(x *types.Table) { x.Targets = 0 },
		"targets: expected 1 to 4 of 5 columns, got 5":           func(x *types.Table) { x.Targets = 5 },
		"validation_permille: expected at most 500, got 501":     func(x *types.Table) { x.ValidationPermille = 501 },
		"expanded_columns: expected 0, or 5 to 65536, got 4":     func(x *types.Table) { x.ExpandedColumns = 4 },
		"expanded_columns: expected at most 1073741824 numbers":  func(x *types.Table) { x.Rows, x.ExpandedColumns = 1<<20, 1_025 },
		"split_key": func(x *types.Table) { x.SplitKey = "X" },
	} {
		x := table()
		change(&x)
		err := x.Validate(types.DefaultParams())
		require.ErrorIs(t, err, types.ErrInvalidTable, says)
		require.ErrorContains(t, err, says)
	}
}

func TestParamsThatAreRefused(t *testing.T) {
	require.NoError(t, types.DefaultParams().Validate())
	for says, change := range map[string]func(*types.Params){
		"registration_fee: expected 0 or more unrn, got <nil>": func(p *types.Params) { p.RegistrationFee = math.Int{} },
		"registration_fee: expected 0 or more unrn, got -1":    func(p *types.Params) { p.RegistrationFee = math.NewInt(-1) },
		"max_size, max_rows and max_delta_size: expected more": func(p *types.Params) { p.MaxSize = 0 },
		"max_rows and max_delta_size: expected more than 0":    func(p *types.Params) { p.MaxRows = 0 },
		"max_delta_size: expected more than 0":                 func(p *types.Params) { p.MaxDeltaSize = 0 },
		"proposal_deposit: expected 0 or more unrn, got -1":    func(p *types.Params) { p.ProposalDeposit = math.NewInt(-1) },
		"expected at most 1000000, got 1000001 and 100000":     func(p *types.Params) { p.ExpiryBurnE6 = 1_000_001 },
		"expected at most 1000000, got 100000 and 1000001":     func(p *types.Params) { p.QuorumE6 = 1_000_001 },
		"open_seconds and retention_seconds":                   func(p *types.Params) { p.OpenSeconds = 0 },
		"and retention_seconds":                                func(p *types.Params) { p.RetentionSeconds = 1 << 62 },
		"open and 1 to 16 checked proposals, got 0 and 3":      func(p *types.Params) { p.MaxOpenProposals = 0 },
		"checked proposals, got 1000 and 17":                   func(p *types.Params) { p.CheckedProposals = 17 },
	} {
		p := types.DefaultParams()
		change(&p)
		require.ErrorIs(t, p.Validate(), types.ErrInvalidParams, says)
		require.ErrorContains(t, p.Validate(), says)
	}
}

func TestGenesisStatesThatAreRefused(t *testing.T) {
	require.NoError(t, types.DefaultGenesis().Validate())
	for says, change := range map[string]func(*types.GenesisState){
		"max_rows":               func(g *types.GenesisState) { g.Params.MaxRows = 0 },
		`"X"`:                    func(g *types.GenesisState) { g.TrainingSets[0].Name = "X" },
		`"digits" appears twice`: func(g *types.GenesisState) { g.TrainingSets = append(g.TrainingSets, g.TrainingSets[0]) },
		"rows: expected":         func(g *types.GenesisState) { g.TrainingSets[0].Table.Rows = 0 },
	} {
		g := types.DefaultGenesis()
		g.TrainingSets = []types.TrainingSet{{Name: "digits", Table: table()}}
		require.NoError(t, g.Validate())
		change(g)
		require.ErrorContains(t, g.Validate(), says)
	}
}

func answer() types.DataAnswer {
	a := types.DataAnswer{
		Status: types.DataNotNumeric, Rows: 0x0102030405060708, Columns: 0x11121314,
		Added: 0x2122232425262728, Removed: 0x3132333435363738, Size: 0xe1e2e3e4e5e6e7e8, CIDCodec: 0x55, Expanded: 0xf1f2f3f4,
	}
	for i := range a.Root {
		a.Root[i], a.Digest[i] = byte(0x40+i), byte(0x80+i)
		a.SHA256[i], a.CIDDigest[i] = byte(0xa0+i), byte(0xc0+i)
	}
	return a
}

func TestDataAnswerHasTheStatedBytes(t *testing.T) {
	require.Equal(t, "0203"+"0102030405060708"+"11121314"+
		"404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"+
		"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"+
		"2122232425262728"+"3132333435363738"+"e1e2e3e4e5e6e7e8"+
		"a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"+"55"+
		"c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"+"f1f2f3f4", hex.EncodeToString(answer().Encode()))
	back, err := types.DecodeDataAnswer(answer().Encode())
	require.NoError(t, err)
	require.Equal(t, answer(), back)
}

func TestEveryByteOfADataAnswerCounts(t *testing.T) {
	good := answer().Encode()
	for i := range good {
		b := append([]byte(nil), good...)
		b[i] ^= 0x20
		back, err := types.DecodeDataAnswer(b)
		if i < 2 { // version and finding
			require.Error(t, err, "byte %d", i)
			continue
		}
		require.NoError(t, err)
		require.NotEqual(t, answer(), back, "byte %d", i)
	}
	for _, b := range [][]byte{nil, good[:len(good)-1], append(good, 0)} {
		_, err := types.DecodeDataAnswer(b)
		require.ErrorContains(t, err, "expected 171 bytes")
	}
}

func FuzzDecodeDataAnswer(f *testing.F) {
	f.Add(answer().Encode())
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := types.DecodeDataAnswer(b); err == nil {
			require.Equal(t, b, a.Encode(), "an answer has one encoding")
		}
	})
}

func TestFindingsReadAsWords(t *testing.T) {
	for status, words := range map[types.DataStatus]string{
		0: "valid", 1: "not a canonical table", 2: "a row appears twice", 3: "a cell is not a number", 4: "the body is not a unified diff of one file",
		5: "the delta does not apply without fuzz and offset", 6: "the delta changes the header line", 7: "no row is new and none is gone", 9: "unknown finding 9",
	} {
		require.Equal(t, words, status.String())
	}
}

func TestErrorCodesNeverMove(t *testing.T) {
	for code, err := range map[uint32]*errorsmod.Error{
		2: types.ErrInvalidName, 3: types.ErrInvalidTable, 4: types.ErrExists, 5: types.ErrNotVerified, 6: types.ErrInvalidParams,
		7: types.ErrInvalidDelta, 8: types.ErrStaleBase, 9: types.ErrNotGoverned, 10: types.ErrTooMany, 11: types.ErrDeposit, 12: types.ErrNotFound,
		13: types.ErrNotOpen, 14: types.ErrNotProposer,
	} {
		require.Equal(t, code, err.ABCICode(), err.Error())
		require.Equal(t, "trainingset", err.Codespace())
	}
}

// files returns all descriptors of the binary with their imports resolved.
var files = sync.OnceValues(gogoproto.MergedRegistry)

func TestMessagesAndAnswersHoldNothingThatAminoCannotSay(t *testing.T) {
	all, err := files()
	require.NoError(t, err)
	seen := map[protoreflect.FullName]bool{}
	var plain func(m protoreflect.MessageDescriptor)
	plain = func(m protoreflect.MessageDescriptor) {
		require.False(t, m.IsPlaceholder(), m.FullName())
		if seen[m.FullName()] {
			return
		}
		seen[m.FullName()] = true
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			require.NotContains(t, []protoreflect.Kind{protoreflect.FloatKind, protoreflect.DoubleKind}, f.Kind(), "%s is a float", f.FullName())
			require.False(t, f.IsMap(), "%s is a map", f.FullName())
			require.Nil(t, f.ContainingOneof(), "%s stands in a oneof", f.FullName())
			if f.Message() != nil {
				plain(f.Message())
			}
		}
	}
	for _, name := range []string{"tx", "query"} {
		file, err := all.FindFileByPath("pold/trainingset/v1/" + name + ".proto")
		require.NoError(t, err)
		methods := file.Services().Get(0).Methods()
		for i := range methods.Len() {
			plain(methods.Get(i).Input())
			plain(methods.Get(i).Output())
			if name == "tx" {
				amino := protov2.GetExtension(methods.Get(i).Input().Options(), amino.E_Name).(string)
				require.True(t, strings.HasPrefix(amino, "pold/trainingset/Msg"), amino)
				require.LessOrEqual(t, len(amino), 39, amino)
			}
		}
	}
	require.Greater(t, len(seen), 10)
}

func TestAminoJSONIsTheStoredOne(t *testing.T) {
	all, err := files()
	require.NoError(t, err)
	legacy := codec.NewLegacyAmino()
	types.RegisterLegacyAminoCodec(legacy)
	sender := sdk.AccAddress(bytes.Repeat([]byte{1}, 20)).String()
	for want, m := range map[string]gogoproto.Message{
		`{"type":"pold/trainingset/MsgRegister","value":{"card_uri":"https://example.org/card","name":"digits","sender":"pol1qyqszqgpqyqszqgpqyqszqgpqyqszqgpe9zzre",` +
			`"table":{"cid":"` + tableCID + `","columns":5,"root":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","rows":"10",` +
			`"sha256":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","size":"1000","targets":1,"validation_permille":200}}}`: &types.MsgRegisterTrainingSet{
			Sender: sender, Name: "digits", Table: table(), CardUri: "https://example.org/card",
		},
		`{"type":"pold/trainingset/MsgProposeDelta","value":{"delta":{"base_root":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","cid":"` + tableCID + `",` +
			`"root":"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=","rows_added":"2","rows_removed":"1",` +
			`"sha256":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","size":"300"},"licence":"CC0","max_deposit":"10000000","sender":"` + sender + `",` +
			`"summary":"correct 12 labels","takedown":true,"training_set":"digits"}}`: &types.MsgProposeDelta{
			Sender: sender, TrainingSet: "digits", Summary: "correct 12 labels", Licence: "CC0", Takedown: true, MaxDeposit: math.NewInt(10_000_000),
			Delta: types.Delta{
				Cid: tableCID, Sha256: bytes.Repeat([]byte{1}, 32), Size_: 300, BaseRoot: bytes.Repeat([]byte{2}, 32), Root: bytes.Repeat([]byte{3}, 32),
				RowsAdded: 2, RowsRemoved: 1,
			},
		},
		`{"type":"pold/trainingset/MsgWithdraw","value":{"proposal":"7","sender":"` + sender + `"}}`: &types.MsgWithdrawProposal{Sender: sender, Proposal: 7},
		`{"type":"pold/trainingset/MsgUpdateParams","value":{"authority":"pol1qyqszqgpqyqszqgpqyqszqgpqyqszqgpe9zzre",` +
			`"params":{"checked_proposals":3,"expiry_burn_e6":"100000","max_delta_size":"67108864","max_open_proposals":1000,"max_rows":"4194304","max_size":"1073741824",` +
			`"open_seconds":"2419200","proposal_deposit":"10000000","quorum_e6":"100000","registration_fee":"10000000","retention_seconds":"4838400"}}}`: &types.MsgUpdateParams{Authority: sender, Params: types.DefaultParams()},
	} {
		descriptor, err := all.FindDescriptorByName(protoreflect.FullName(gogoproto.MessageName(m)))
		require.NoError(t, err)
		raw, err := gogoproto.Marshal(m)
		require.NoError(t, err)
		dynamic := dynamicpb.NewMessage(descriptor.(protoreflect.MessageDescriptor))
		require.NoError(t, protov2.Unmarshal(raw, dynamic))
		signed, err := aminojson.NewEncoder(aminojson.EncoderOptions{FileResolver: all}).Marshal(dynamic)
		require.NoError(t, err)
		require.Equal(t, want, string(signed))
		old, err := legacy.MarshalJSON(m)
		require.NoError(t, err)
		require.JSONEq(t, want, string(old), "the two encoders of the SDK agree")
	}
}
