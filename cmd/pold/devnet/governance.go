package devnet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"

	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// The voting periods of a devnet: a person sees a vote through within two minutes.
const (
	periodSeconds = 60
	checkSeconds  = 30
)

// setVoting shortens the voting periods. What a proposer is paid is stated for one of them, as that of a public network is for a week.
func setVoting(cdc codec.Codec, state map[string]json.RawMessage) {
	v := votingtypes.DefaultGenesis()
	v.Params.DefaultPeriodSeconds, v.Params.MinPeriodSeconds, v.Params.MaxPeriodSeconds = periodSeconds, 20, 100
	v.Params.CheckSeconds, v.Params.GraceSeconds = checkSeconds, 60
	state[votingtypes.ModuleName] = cdc.MustMarshalJSON(v)

	var p poltypes.GenesisState
	cdc.MustUnmarshalJSON(state[poltypes.ModuleName], &p)
	p.Params.ReferencePeriodSeconds, p.Params.ActivationSeconds = periodSeconds, 5
	state[poltypes.ModuleName] = cdc.MustMarshalJSON(&p)
}

// setProposals makes a proposal cheap and keeps it open for some periods.
func setProposals(p *trainingsettypes.Params) {
	p.ProposalDeposit = math.NewInt(10 * nrn)
	p.OpenSeconds, p.RetentionSeconds = 10*periodSeconds, 60*periodSeconds
}

// mislabel raises the last cell of n rows, spread evenly over a canonical table, by one (9 becomes 0): errors for people to find and
// to correct by vote.
func mislabel(table []byte, n int) ([]byte, error) {
	lines := bytes.SplitAfter(table, []byte{'\n'})
	rows := len(lines) - 2 // a header, and nothing after the last line's end
	if n < 0 || n > rows {
		return nil, fmt.Errorf("--mislabel: expected 0 to %d rows, got %d", rows, n)
	}
	for i := range n {
		line := bytes.TrimSuffix(lines[1+i*rows/n], []byte{'\n'})
		cut := bytes.LastIndexByte(line, ',') + 1
		label, err := strconv.Atoi(string(line[cut:]))
		if err != nil {
			return nil, fmt.Errorf("label of row %d: %w", i*rows/n, err)
		}
		lines[1+i*rows/n] = fmt.Appendf(bytes.Clone(line[:cut]), "%d\n", (label+1)%10)
	}
	return bytes.Join(lines, nil), nil
}
