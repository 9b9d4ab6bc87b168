package econ

import (
	"math/big"
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

// Year is what was minted in one year of 365.25 days, in NRN; rates are parts of the supply that each round read at its opening.
type Year struct {
	Year         int     `json:"year"`
	Trainers     float64 `json:"trainers"`
	Verifiers    float64 `json:"verifiers"`
	TrainerRate  float64 `json:"trainer_rate"`
	VerifierRate float64 `json:"verifier_rate"`
	Supply       float64 `json:"supply"` // at its end
	Halvings     uint64  `json:"halvings"`
	Days         float64 `json:"days"`
}

// Sample is the state after some rounds; Net has the agents in their order, in NRN.
type Sample struct {
	Years  float64   `json:"years"`
	Supply float64   `json:"supply"`
	Net    []float64 `json:"net"`
}

// Result is what a simulation found.
type Result struct {
	Config   Config   `json:"config"`
	Seconds  float64  `json:"seconds"` // simulated
	Genesis  float64  `json:"genesis"`
	Supply   float64  `json:"supply"`
	Coinbase float64  `json:"coinbase"`
	Burned   float64  `json:"burned"`
	Slashed  float64  `json:"slashed"`
	Rounds   uint64   `json:"rounds"`
	Wins     uint64   `json:"wins"`
	Blocks   int      `json:"blocks"`
	Years    []Year   `json:"years"`
	Samples  []Sample `json:"samples"`
	Agents   []*Agent `json:"agents"`
	// Checks of the books: what they did not agree on, empty when all is well.
	Problems []string `json:"problems"`

	params poltypes.Params
}

func newResult(w *world) *Result {
	r := &Result{Config: w.Config, params: w.Config.genesis(w.started).pol}
	r.params.GenesisUnix = w.started.Unix()
	r.Agents = append(r.Agents, w.trainers...)
	for _, v := range w.validators {
		r.Agents = append(r.Agents, v.Agent)
	}
	r.Genesis = nrn(w.bank.get(w.ctx, supplyKey))
	return r
}

// nrn turns an amount into NRN, for people.
func nrn(amount math.Int) float64 {
	f, _ := new(big.Rat).SetFrac(amount.BigInt(), big.NewInt(NRN)).Float64()
	return f
}

func (w *world) since() time.Duration { return w.ctx.BlockTime().Sub(w.started) }

// settled books the outcome of a round.
func (w *world) settled(o poltypes.RoundOutcome) {
	at := int(w.since() / year)
	for len(w.result.Years) <= at {
		w.result.Years = append(w.result.Years, Year{Year: len(w.result.Years) + 1})
	}
	y := &w.result.Years[at]
	y.Trainers += nrn(o.Round.Reward)
	y.Verifiers += nrn(o.Round.VerifierReward)
	y.TrainerRate += nrn(o.Round.Reward) / nrn(o.Round.Supply)
	y.VerifierRate += nrn(o.Round.VerifierReward) / nrn(o.Round.Supply)
	y.Supply = nrn(o.Round.SettledSupply)
	y.Halvings = w.result.params.Halvings(w.ctx.BlockTime().Unix())
	if o.Round.Winner != "" {
		w.parents[o.Group.Name] = o.Round.Checkpoint.Sha256
	}
	for _, a := range w.trainers {
		if a.Group != o.Group.Name {
			continue
		}
		for i, account := range a.accounts {
			if account == o.Round.Winner {
				reward := o.Round.Reward.Add(o.Round.Bounty).Int64()
				a.Coinbase += reward
				a.Wins++
				if i > 0 {
					a.Extra += reward
				}
			}
			for _, l := range o.Losses {
				if l.Address == account {
					a.Lost += l.Amount.Int64()
					a.Faults++
					if i > 0 {
						a.Extra -= l.Amount.Int64()
					}
				}
			}
		}
	}
}

// audit reads the accounts and compares them with the books of the trainers. It must be called when no bond of a round is held.
func (w *world) audit() error {
	for i, v := range w.validators {
		v.Coinbase = w.coins(v.accounts)
		v.Lost = w.staking.burned[i].Int64()
		record, err := w.slashing.EvidenceCount.Get(w.ctx, v.operator)
		if err == nil {
			v.Faults = int(record)
		}
	}
	return w.pol.CheckEscrow(w.ctx)
}

func (w *world) coins(accounts []string) int64 {
	sum := int64(0)
	for _, a := range accounts {
		sum += w.bank.get(w.ctx, sdk.MustAccAddressFromBech32(a)).Int64()
	}
	return sum
}

func (w *world) sample() error {
	if err := w.audit(); err != nil {
		return err
	}
	s := Sample{Years: float64(w.since()) / float64(year), Supply: nrn(w.bank.get(w.ctx, supplyKey))}
	for _, a := range w.result.Agents {
		s.Net = append(s.Net, float64(a.Net())/NRN)
	}
	w.result.Samples = append(w.result.Samples, s)
	return nil
}

// finish fills in the totals.
func (w *world) finish() error {
	t, err := w.pol.Totals.Get(w.ctx)
	if err != nil {
		return err
	}
	r := w.result
	r.Seconds, r.Supply, r.Blocks = w.since().Seconds(), nrn(w.bank.get(w.ctx, supplyKey)), w.blocks
	r.Coinbase, r.Burned, r.Rounds, r.Wins = nrn(t.Coinbase), nrn(t.Burned), t.Rounds, t.Wins
	if !t.Slashed.IsNil() {
		r.Slashed = nrn(t.Slashed)
	}
	for i := range r.Years {
		r.Years[i].Days = min(365.25, w.since().Hours()/24-365.25*float64(i))
	}
	for _, a := range w.trainers {
		if got := w.coins(a.accounts); got != a.start+a.Coinbase-a.Lost {
			r.problem("the accounts of %s (%s) hold %d unrn, its books say %d", a.Name, a.Strategy, got, a.start+a.Coinbase-a.Lost)
		}
	}
	return nil
}
