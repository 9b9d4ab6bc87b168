package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/server"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	"github.com/cosmos/cosmos-sdk/x/genutil"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"

	"github.com/pold-network/pold/app"
)

func addSalePurchasesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "add-sale-purchases FILE.csv",
		Short: "Give every buyer of the sale what they bought",
		Long: `Give every buyer of the sale what they bought, as balances in the genesis file.

FILE has the header "address,amount" and one purchase a line. An amount is
written 12.5NRN, or 12500000 for the same in unrn; several lines of one buyer
are added up. The supply of the genesis becomes the sum of all balances.

Nothing is written unless every line is right. A buyer who already has a
balance is refused, so that importing a file twice changes nothing; if there
were two sales, put both into one file.`,
		Example: "  pold genesis add-sale-purchases purchases.csv",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("open the purchases file: %w", err)
			}
			defer file.Close()
			purchases, err := readPurchases(file)
			if err != nil {
				return fmt.Errorf("purchases file %s: %w", args[0], err)
			}

			cdc := client.GetClientContextFromCmd(cmd).Codec
			supply, err := importPurchases(cdc, server.GetServerContextFromCmd(cmd).Config.GenesisFile(), purchases)
			if err != nil {
				return err
			}
			bought := math.ZeroInt()
			for _, p := range purchases {
				bought = bought.Add(p.Amount)
			}
			cmd.Printf("%d buyers received %s; the supply at genesis is now %s\n", len(purchases), formatNRN(bought), formatNRN(supply))
			return nil
		},
	}
	cmd.Flags().String(flags.FlagHome, app.DefaultNodeHome, "the node's home directory")
	return cmd
}

// importPurchases writes the purchases into a genesis file and returns the new supply in unrn.
func importPurchases(cdc codec.Codec, path string, purchases []purchase) (math.Int, error) {
	state, genesis, err := genutiltypes.GenesisStateFromGenFile(path)
	if err != nil {
		return math.Int{}, fmt.Errorf("read the genesis file, which `pold init` creates: %w", err)
	}
	supply, err := addPurchases(cdc, state, purchases)
	if err != nil {
		return math.Int{}, err
	}
	if genesis.AppState, err = json.MarshalIndent(state, "", "  "); err != nil {
		return math.Int{}, err
	}
	if err := genutil.ExportGenesisFile(genesis, path); err != nil {
		return math.Int{}, fmt.Errorf("write the genesis file: %w", err)
	}
	return supply, nil
}

// addPurchasesCSV adds the balances of a purchases file to a genesis state.
func addPurchasesCSV(cdc codec.Codec, state map[string]json.RawMessage, csv string) error {
	purchases, err := readPurchases(strings.NewReader(csv))
	if err != nil {
		return err
	}
	_, err = addPurchases(cdc, state, purchases)
	return err
}

// addPurchases adds accounts and balances to a genesis state, sets the supply
// to the sum of all balances and returns that of unrn. State is unchanged when
// it returns an error.
func addPurchases(cdc codec.Codec, state map[string]json.RawMessage, purchases []purchase) (math.Int, error) {
	auth := authtypes.GetGenesisStateFromAppState(cdc, state)
	accounts, err := authtypes.UnpackAccounts(auth.Accounts)
	if err != nil {
		return math.Int{}, fmt.Errorf("read the accounts of the genesis file: %w", err)
	}
	bank := banktypes.GetGenesisStateFromAppState(cdc, state)

	known := make(map[string]bool, len(accounts))
	for _, account := range accounts {
		known[string(account.GetAddress())] = true
	}
	balances := make(map[string]sdk.Coins, len(bank.Balances))
	total := sdk.NewCoins()
	for _, balance := range bank.Balances {
		balances[balance.Address] = balance.Coins
		total = total.Add(balance.Coins...)
	}
	// A supply that is not the sum of the balances means the file was edited
	// by hand; guessing which of the two was meant could mint or burn coins.
	if !bank.Supply.IsZero() && !bank.Supply.Equal(total) {
		return math.Int{}, fmt.Errorf("the genesis file has a supply of %s but its balances add up to %s; correct it first", bank.Supply, total)
	}

	var again []string
	for _, p := range purchases {
		address := p.Address.String()
		if coins := balances[address]; !coins.IsZero() {
			again = append(again, fmt.Sprintf("%s has %s", address, coins))
			continue
		}
		coins := sdk.NewCoins(sdk.NewCoin(app.BaseDenom, p.Amount))
		bank.Balances = append(bank.Balances, banktypes.Balance{Address: address, Coins: coins})
		total = total.Add(coins...)
		if !known[string(p.Address)] {
			accounts = append(accounts, authtypes.NewBaseAccountWithAddress(p.Address))
		}
	}
	if len(again) > 0 {
		return math.Int{}, fmt.Errorf("%d of %d buyers already have a balance in the genesis file (the first: %s); "+
			"was this file imported before? %w", len(again), len(purchases), again[0], errNothingWritten)
	}

	bank.Supply = total
	bank.Balances = banktypes.SanitizeGenesisBalances(bank.Balances)
	if auth.Accounts, err = authtypes.PackAccounts(authtypes.SanitizeGenesisAccounts(accounts)); err != nil {
		return math.Int{}, fmt.Errorf("write the accounts of the genesis file: %w", err)
	}
	authState, err := cdc.MarshalJSON(&auth)
	if err != nil {
		return math.Int{}, err
	}
	bankState, err := cdc.MarshalJSON(bank)
	if err != nil {
		return math.Int{}, err
	}
	state[authtypes.ModuleName], state[banktypes.ModuleName] = authState, bankState
	return total.AmountOf(app.BaseDenom), nil
}

var errNothingWritten = errors.New("nothing was written")
