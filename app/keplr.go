package app

import (
	"net/http"
	"strings"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

// keplrChain is the argument of Keplr's experimentalSuggestChain: what a
// browser wallet needs to show balances and sign for this chain.
type keplrChain struct {
	ChainID       string          `json:"chainId"`
	ChainName     string          `json:"chainName"`
	RPC           string          `json:"rpc"`
	REST          string          `json:"rest"`
	Bip44         keplrBip44      `json:"bip44"`
	Bech32Config  keplrBech32     `json:"bech32Config"`
	Currencies    []keplrCurrency `json:"currencies"`
	FeeCurrencies []keplrCurrency `json:"feeCurrencies"`
	StakeCurrency keplrCurrency   `json:"stakeCurrency"`
	Features      []string        `json:"features"`
}

type keplrBip44 struct {
	CoinType uint32 `json:"coinType"`
}

type keplrBech32 struct {
	AccAddr  string `json:"bech32PrefixAccAddr"`
	AccPub   string `json:"bech32PrefixAccPub"`
	ValAddr  string `json:"bech32PrefixValAddr"`
	ValPub   string `json:"bech32PrefixValPub"`
	ConsAddr string `json:"bech32PrefixConsAddr"`
	ConsPub  string `json:"bech32PrefixConsPub"`
}

type keplrCurrency struct {
	CoinDenom        string         `json:"coinDenom"`
	CoinMinimalDenom string         `json:"coinMinimalDenom"`
	CoinDecimals     int            `json:"coinDecimals"`
	GasPriceStep     *keplrGasPrice `json:"gasPriceStep,omitempty"`
}

// keplrGasPrice holds prices in unrn per unit of gas. They are numbers for a
// wallet's page and never enter the state.
type keplrGasPrice struct {
	Low     float64 `json:"low"`
	Average float64 `json:"average"`
	High    float64 `json:"high"`
}

func newKeplrChain(chainID, rpcListen string, r *http.Request) keplrChain {
	nrn := keplrCurrency{CoinDenom: DisplayDenom, CoinMinimalDenom: BaseDenom, CoinDecimals: Decimals}
	fee := nrn
	fee.GasPriceStep = &keplrGasPrice{Low: 0.01, Average: 0.025, High: 0.04}
	config := sdk.GetConfig()
	return keplrChain{
		ChainID:   chainID,
		ChainName: chainID,
		RPC:       publicURL(r, rpcListen),
		REST:      requestScheme(r) + "://" + r.Host,
		Bip44:     keplrBip44{CoinType: CoinType},
		Bech32Config: keplrBech32{
			AccAddr:  config.GetBech32AccountAddrPrefix(),
			AccPub:   config.GetBech32AccountPubPrefix(),
			ValAddr:  config.GetBech32ValidatorAddrPrefix(),
			ValPub:   config.GetBech32ValidatorPubPrefix(),
			ConsAddr: config.GetBech32ConsensusAddrPrefix(),
			ConsPub:  config.GetBech32ConsensusPubPrefix(),
		},
		Currencies:    []keplrCurrency{nrn},
		FeeCurrencies: []keplrCurrency{fee},
		StakeCurrency: nrn,
		Features:      []string{},
	}
}

// trimScheme turns the tcp://host:port of a CometBFT listen address into host:port.
func trimScheme(address string) string {
	if _, rest, found := strings.Cut(address, "://"); found {
		return rest
	}
	return address
}
