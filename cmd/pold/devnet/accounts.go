package devnet

import (
	"fmt"

	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/crypto/hd"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	sdk "github.com/cosmos/cosmos-sdk/types"
)

// Mnemonic is a published test phrase; everybody has its keys.
const Mnemonic = "test test test test test test test test test test test junk"

// Account is one account of the devnet.
type Account struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Role    string `json:"role"`
	// Path is the HD path under the mnemonic.
	Path string `json:"path"`
	// Amount is the balance at genesis in unrn.
	Amount int64 `json:"amount_unrn"`
}

const nrn = 1_000_000

var trainerNames = []string{
	"carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy",
	"kim", "leo", "mia", "nick", "olivia", "pat", "quinn", "ruth",
}

// accounts lists the accounts of a network in the order of their HD index. People come first, so that their addresses do
// not depend on the number of validators.
func accounts(validators, trainers int) []Account {
	list := []Account{
		{Name: "alice", Role: "stakeholder of group digits", Amount: 400_000 * nrn},
		{Name: "bob", Role: "stakeholder of group digits, dApp developer", Amount: 100_000 * nrn},
		{Name: "faucet", Role: "faucet", Amount: 100_000 * nrn},
	}
	for i := range maxTrainers {
		list = append(list, Account{Name: trainerNames[i], Role: "trainer", Amount: 100_000 * nrn})
	}
	for i := range maxValidators {
		list = append(list, Account{Name: fmt.Sprintf("val%d", i), Role: "validator", Amount: 200_000 * nrn})
	}
	var used []Account
	for i, a := range list {
		a.Path = hd.CreateHDPath(sdk.CoinType, 0, uint32(i)).String()
		if a.Role == "trainer" && i-3 >= trainers || a.Role == "validator" && i-3-maxTrainers >= validators {
			continue
		}
		used = append(used, a)
	}
	return used
}

// writeKeys puts every account into a test keyring and fills in the addresses.
func writeKeys(cdc codec.Codec, dir string, list []Account) (keyring.Keyring, error) {
	ring, err := openKeyring(cdc, dir)
	if err != nil {
		return nil, err
	}
	for i := range list {
		record, err := ring.NewAccount(list[i].Name, Mnemonic, keyring.DefaultBIP39Passphrase, list[i].Path, hd.Secp256k1)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", list[i].Name, err)
		}
		address, err := record.GetAddress()
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", list[i].Name, err)
		}
		list[i].Address = address.String()
	}
	return ring, nil
}

func openKeyring(cdc codec.Codec, dir string) (keyring.Keyring, error) {
	ring, err := keyring.New("pold", keyring.BackendTest, dir, nil, cdc)
	if err != nil {
		return nil, fmt.Errorf("keyring %s: %w", dir, err)
	}
	return ring, nil
}

// deriveAddresses fills in addresses without writing any key.
func deriveAddresses(list []Account) error {
	for i := range list {
		secret, err := hd.Secp256k1.Derive()(Mnemonic, keyring.DefaultBIP39Passphrase, list[i].Path)
		if err != nil {
			return fmt.Errorf("key %s: %w", list[i].Name, err)
		}
		list[i].Address = sdk.AccAddress(hd.Secp256k1.Generate()(secret).PubKey().Address()).String()
	}
	return nil
}
