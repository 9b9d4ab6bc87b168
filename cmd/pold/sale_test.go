package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	dbm "github.com/cosmos/cosmos-db"
	"github.com/spf13/viper"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/log/v2"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"

	"github.com/pold-network/pold/app"
)

func buyer(n byte) string {
	address := make([]byte, 20)
	address[0] = n
	return sdk.AccAddress(address).String()
}

func TestAmountsOfTheSale(t *testing.T) {
	cases := []struct{ name, text, unrn, refused string }{
		{name: "whole coins", text: "12NRN", unrn: "12000000"},
		{name: "a fraction of a coin", text: "12.5NRN", unrn: "12500000"},
		{name: "the smallest fraction", text: "0.000001NRN", unrn: "1"},
		{name: "a bare number is unrn", text: "12500000", unrn: "12500000"},
		{name: "unrn by name", text: "12500000unrn", unrn: "12500000"},
		{name: "spaces around it", text: "  7 ", unrn: "7"},
		{name: "leading zeros", text: "007", unrn: "7"},
		{name: "more than 64 bits", text: "100000000000000000000NRN", unrn: "100000000000000000000000000"},
		{name: "nothing", text: "", refused: "got \"\""},
		{name: "zero", text: "0", refused: "which is nothing"},
		{name: "zero coins", text: "0.000NRN", refused: "which is nothing"},
		{name: "a sign", text: "-5", refused: "got \"-5\""},
		{name: "a plus", text: "+5NRN", refused: "got \"+5NRN\""},
		{name: "an exponent", text: "1e6", refused: "got \"1e6\""},
		{name: "hexadecimal", text: "0x10", refused: "got \"0x10\""},
		{name: "a fraction of unrn", text: "1.5", refused: "got \"1.5\""},
		{name: "seven decimals", text: "1.0000001NRN", refused: "more than 6 decimals"},
		{name: "no digit after the point", text: "1.NRN", refused: "no digit after the point"},
		{name: "no digit before the point", text: ".5NRN", refused: "got \".5NRN\""},
		{name: "two points", text: "1.2.3NRN", refused: "got \"1.2.3NRN\""},
		{name: "a thousands separator", text: "1'000", refused: "got"},
		{name: "another coin", text: "5ATOM", refused: "got \"5ATOM\""},
		{name: "a space inside", text: "5 NRN", refused: "got \"5 NRN\""},
		{name: "digits of another script", text: "٣", refused: "got"},
		{name: "a number that cannot be meant", text: strings.Repeat("9", 31), refused: "31 digits"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			amount, err := parseAmount(c.text)
			if c.refused != "" {
				require.ErrorContains(t, err, c.refused)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.unrn, amount.String())
		})
	}
}

func TestAmountsAreShownAsPeopleWriteThem(t *testing.T) {
	for unrn, text := range map[int64]string{0: "0NRN", 1: "0.000001NRN", 12_500_000: "12.5NRN", 12_000_000: "12NRN", 1_234_567_890: "1234.56789NRN"} {
		require.Equal(t, text, formatNRN(math.NewInt(unrn)))
	}
}

func TestPurchasesFiles(t *testing.T) {
	a, b := buyer(1), buyer(2)
	operator := sdk.ValAddress(make([]byte, 20)).String()
	pool := authtypes.NewModuleAddress("bonded_tokens_pool").String()
	cases := []struct{ name, text, want, refused string }{
		{name: "one buyer", text: "address,amount\n" + a + ",5\n", want: a + " 5"},
		{name: "the same buyer twice", text: "address,amount\n" + a + ",5\n" + b + ",1\n" + a + ",1NRN\n", want: a + " 1000005;" + b + " 1"},
		{name: "any order of lines", text: "address,amount\n" + b + ",1\n" + a + ",5\n", want: a + " 5;" + b + " 1"},
		{name: "Windows line ends and a byte order mark", text: "\ufeffaddress,amount\r\n" + a + ",5\r\n", want: a + " 5"},
		{name: "empty lines", text: "address,amount\n\n" + a + ",5\n\n", want: a + " 5"},
		{name: "quoted fields", text: "address,amount\n\"" + a + "\",\"5\"\n", want: a + " 5"},
		{name: "an upper-case address", text: "address,amount\n" + strings.ToUpper(a) + ",5\n", want: a + " 5"},
		{name: "an empty file", text: "", refused: "the file is empty"},
		{name: "a header alone", text: "address,amount\n", refused: "no purchases"},
		{name: "no header", text: a + ",5\n", refused: "line 1: expected the header"},
		{name: "columns the other way round", text: "amount,address\n5," + a + "\n", refused: "line 1: expected the header"},
		{name: "a third column", text: "address,amount\n" + a + ",5,x\n", refused: "line 2: expected an address and an amount, got 3 fields"},
		{name: "a missing column after empty lines", text: "address,amount\n\n\n" + a + "\n", refused: "line 4: expected an address and an amount, got 1 fields"},
		{name: "a bad amount", text: "address,amount\n" + a + ",5\n" + b + ",x\n", refused: "line 3: expected an amount"},
		{name: "a mistyped address", text: "address,amount\n" + a[:len(a)-1] + "\u0071,5\n", refused: "line 2: expected an address starting with pol1"},
		{name: "an address of another chain", text: "address,amount\ncosmos1qqqsyqcyq5rqwzqfpg9scrgwpugpzysn7hzdtn,5\n", refused: "line 2: expected an address"},
		{name: "a validator's address", text: "address,amount\n" + operator + ",5\n", refused: "line 2: expected an address"},
		{name: "an account that nobody has a key for", text: "address,amount\n" + pool + ",5\n", refused: "line 2: " + pool + " is an account of a module"},
		{name: "an open quote", text: "address,amount\n\"" + a + ",5\n", refused: "line 2"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			purchases, err := readPurchases(strings.NewReader(c.text))
			if c.refused != "" {
				require.ErrorContains(t, err, c.refused)
				return
			}
			require.NoError(t, err)
			var lines []string
			for _, p := range purchases {
				lines = append(lines, p.Address.String()+" "+p.Amount.String())
			}
			require.Equal(t, c.want, strings.Join(lines, ";"))
		})
	}
}

func FuzzParseAmount(f *testing.F) {
	for _, seed := range []string{"12.5NRN", "1", "1unrn", "0.000001NRN", "-1", "1e9", "NRN", ".", "1.NRN", "unrn"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		amount, err := parseAmount(text)
		if err != nil {
			return
		}
		require.True(t, amount.IsPositive())
		again, err := parseAmount(formatNRN(amount))
		require.NoError(t, err)
		require.Equal(t, amount.String(), again.String())
	})
}

func FuzzReadPurchases(f *testing.F) {
	f.Add("address,amount\n" + buyer(1) + ",5\n" + buyer(1) + ",1.5NRN\n")
	f.Add("address,amount\n\"x")
	f.Add("\ufeffaddress,amount\r\n" + buyer(2) + ",5")
	f.Fuzz(func(t *testing.T, text string) {
		purchases, err := readPurchases(strings.NewReader(text))
		if err != nil {
			return
		}
		for i, p := range purchases {
			require.True(t, p.Amount.IsPositive())
			require.True(t, i == 0 || string(purchases[i-1].Address) < string(p.Address), "sorted, each buyer once")
		}
	})
}

// genesisFile writes a new chain's genesis file and returns its path and the application that reads it.
func genesisFile(t *testing.T) (string, *app.App) {
	t.Helper()
	a := app.New(log.NewNopLogger(), dbm.NewMemDB(), true, viper.New())
	state, err := json.Marshal(a.DefaultGenesis())
	require.NoError(t, err)
	genesis := genutiltypes.NewAppGenesisWithVersion("pold-test-1", state)
	path := filepath.Join(t.TempDir(), "genesis.json")
	require.NoError(t, genesis.SaveAs(path))
	return path, a
}

func TestSupplyAtGenesisIsWhatWasBought(t *testing.T) {
	path, a := genesisFile(t)
	purchases, err := readPurchases(strings.NewReader("address,amount\n" + buyer(1) + ",5NRN\n" + buyer(2) + ",1\n" + buyer(1) + ",2\n"))
	require.NoError(t, err)
	supply, err := importPurchases(a.Codec, path, purchases)
	require.NoError(t, err)
	require.Equal(t, "5000003", supply.String())

	state, _, err := genutiltypes.GenesisStateFromGenFile(path)
	require.NoError(t, err)
	require.NoError(t, a.BasicManager.ValidateGenesis(a.Codec, a.TxConfig, state))
	bank := banktypes.GetGenesisStateFromAppState(a.Codec, state)
	require.Equal(t, "5000003unrn", bank.Supply.String())
	require.Len(t, bank.Balances, 2)
	accounts, err := authtypes.UnpackAccounts(authtypes.GetGenesisStateFromAppState(a.Codec, state).Accounts)
	require.NoError(t, err)
	require.Len(t, accounts, 2)

	before, err := os.ReadFile(path)
	require.NoError(t, err)
	_, err = importPurchases(a.Codec, path, purchases)
	require.ErrorIs(t, err, errNothingWritten)
	require.ErrorContains(t, err, "2 of 2 buyers already have a balance")
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after), "a second import changes nothing")

	other, err := readPurchases(strings.NewReader("address,amount\n" + buyer(3) + ",7\n"))
	require.NoError(t, err)
	supply, err = importPurchases(a.Codec, path, other)
	require.NoError(t, err)
	require.Equal(t, "5000010", supply.String(), "another file adds its own buyers")
}

func TestAnAccountThatExistsWithoutCoinsIsKept(t *testing.T) {
	_, a := genesisFile(t)
	state := a.DefaultGenesis()
	address := sdk.MustAccAddressFromBech32(buyer(1))
	packed, err := authtypes.PackAccounts(authtypes.GenesisAccounts{authtypes.NewBaseAccountWithAddress(address)})
	require.NoError(t, err)
	auth := authtypes.GetGenesisStateFromAppState(a.Codec, state)
	auth.Accounts = packed
	state[authtypes.ModuleName] = a.Codec.MustMarshalJSON(&auth)

	_, err = addPurchases(a.Codec, state, []purchase{{Address: address, Amount: math.NewInt(5)}})
	require.NoError(t, err)
	accounts := authtypes.GetGenesisStateFromAppState(a.Codec, state).Accounts
	require.Len(t, accounts, 1)
}

func TestASupplyThatIsNotTheSumOfTheBalancesIsRefused(t *testing.T) {
	_, a := genesisFile(t)
	state := a.DefaultGenesis()
	bank := banktypes.GetGenesisStateFromAppState(a.Codec, state)
	bank.Supply = sdk.NewCoins(sdk.NewInt64Coin(app.BaseDenom, 1))
	state[banktypes.ModuleName] = a.Codec.MustMarshalJSON(bank)
	_, err := addPurchases(a.Codec, state, []purchase{{Address: sdk.MustAccAddressFromBech32(buyer(1)), Amount: math.NewInt(5)}})
	require.ErrorContains(t, err, "supply of 1unrn but its balances add up to")
}
