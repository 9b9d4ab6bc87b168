package econ

import (
	"time"

	"cosmossdk.io/math"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	reputationtypes "github.com/pold-network/pold/x/reputation/types"
	slashingtypes "github.com/pold-network/pold/x/slashing/types"
)

// NRN is a coin in unrn.
const NRN = 1_000_000

// Costs are what work costs outside the chain, in NRN. They are assumptions: nothing on the chain knows them.
type Costs struct {
	// TrainingPerHour is what a training costs for each hour of a round, in a group of full size.
	TrainingPerHour float64 `json:"training_per_hour"`
	// EvaluationsPerTraining is how many evaluations cost as much as one training. The costs of replaying a segment follow from
	// the number of segments.
	EvaluationsPerTraining int64 `json:"evaluations_per_training"`
	// SpotsPerTask is how many spot tasks cost as much as the task that they look into: they need a sample of its rows.
	SpotsPerTask int64 `json:"spots_per_task"`
	// Message is the fee of a transaction.
	Message float64 `json:"message"`
}

// Config says what is simulated.
type Config struct {
	Seed   uint64 `json:"seed"`
	Rounds int    `json:"rounds"`
	// Hours is how long a round is. One of n hours stands for n of one hour: it mints as much, and its work costs as much.
	Hours uint64 `json:"hours"`
	Costs Costs  `json:"costs"`
	// LeakE6 is the part of the answers, in millionths, that the lazy validator finds leaked before it has to commit.
	LeakE6 uint64 `json:"leak_e6"`
	// HonestOnly leaves everybody out but one group, two trainers and four validators, which is enough to see what is minted.
	HonestOnly bool `json:"honest_only"`
	// HalvingSeconds is the halving interval.
	HalvingSeconds uint64 `json:"halving_seconds"`
	// TrainingSpread is by how much trainings of equal cost differ, in billionths of the parent's loss.
	TrainingSpread uint64 `json:"training_spread"`
}

// DefaultCosts are the costs that the documentation states.
func DefaultCosts() Costs {
	return Costs{TrainingPerHour: 10, EvaluationsPerTraining: 30, SpotsPerTask: 10, Message: 0.01}
}

// Supply returns a simulation of many years in rounds of two weeks, in which everybody is honest: it shows the supply.
func Supply(seed uint64, years int) Config {
	c := lasting(seed, years, 14*24)
	c.HonestOnly = true
	return c
}

// Years returns a simulation of some years with all strategies, in rounds of four days.
func Years(seed uint64, years int) Config { return lasting(seed, years, 4*24) }

// Days returns a simulation of some days with all strategies, in rounds of an hour: no time is compressed.
func Days(seed uint64, days int) Config {
	c := defaults(seed)
	c.Rounds = days * 24
	return c
}

func lasting(seed uint64, years int, hours uint64) Config {
	c := defaults(seed)
	c.Hours = hours
	c.Rounds = years * int(year/time.Hour) / int(hours)
	return c
}

func defaults(seed uint64) Config {
	return Config{
		Seed: seed, Hours: 1, Costs: DefaultCosts(), LeakE6: 800_000,
		HalvingSeconds: poltypes.HalvingInterval, TrainingSpread: 20_000_000,
	}
}

// year is a year of 365.25 days, of which four make a halving interval.
const year = 8_766 * time.Hour

// Shares of the genesis supply, in NRN.
const (
	mainStake      = 30_000_000
	openStake      = 14_400_000
	sealedStake    = 15_000_000
	ownStake       = 600_000
	onlyStake      = 90_000_000 // of the only group, when all are honest
	validatorStake = 500_000
	purse          = 1_380_000 // of every account of a trainer
	supplyAtStart  = 100_000_000
)

// genesis returns the parameters of a public network but for what the simulation has to change, all of it here.
func (c Config) genesis(now time.Time) genesis {
	g := genesis{
		time: now, pol: poltypes.DefaultParams(), attestation: attestationtypes.DefaultParams(),
		reputation: reputationtypes.DefaultParams(), slashing: slashingtypes.DefaultParams(),
	}
	g.pol.HalvingIntervalSeconds = c.HalvingSeconds
	g.pol.StoreIntervalBlocks = 0 // store tasks move no money, and heights in which nothing else happens are skipped
	g.pol.RoundRetention = 16     // this and the next: what is kept for queries costs time here

	g.reputation.MaxEvents = 1
	// A round of more than a day stands for shorter ones, so the bound on rounds does not hold for it.
	g.pol.MaxNominalSeconds = max(g.pol.MaxNominalSeconds, c.Hours*3_600)

	// Two thirds of the validators that there are, instead of 21.
	g.attestation.MinLiveValidators = 0
	// Heights in which nothing happens are skipped, so windows in heights are longer than a skip.
	g.attestation.LiveWindow = 4 * idleHeights

	// With rounds of n hours there are n times fewer tasks in a window of time than with rounds of an hour. The windows that count
	// tasks grow, so that they hold equally many. The stake that one fault costs stays, so compressed time understates it.
	g.slashing.WindowSeconds *= c.Hours
	g.slashing.JailSeconds *= c.Hours
	g.slashing.RetentionSeconds = max(g.slashing.RetentionSeconds, g.slashing.WindowSeconds)
	g.reputation.HalfLifeSeconds *= c.Hours
	return g
}

// group is a training group of the simulation.
type group struct {
	name     string
	settings poltypes.GroupSettings
	stake    int64 // NRN
	// effort is what computing costs in it compared with a group of full size, in thousandths.
	effort  int64
	entries []*entry
	round   uint64
}

// idleHeights is the length of the commit phase, and how far the clock of heights jumps at most.
const idleHeights = 200

func (c Config) groups(dealer, provider string) []*group {
	base := poltypes.GroupSettings{
		Model:       poltypes.ModelSpec{InputShape: []uint32{4}, Layers: []*poltypes.Layer{{Name: "out", Kind: "dense", Units: 3}}},
		TrainingSet: dataset, Objective: poltypes.OBJECTIVE_CROSS_ENTROPY,
		Evaluation: poltypes.EVALUATION_MODE_TRAINING_SET, Proof: poltypes.PROOF_MODE_SCORED,
		CommitBlocks: idleHeights, RevealBlocks: 10, NominalSeconds: c.Hours * 3_600, MinImprovementE9: 1_000_000,
		CommitBond: math.NewInt(10 * NRN), BountyPerRound: math.ZeroInt(), InitSeed: make([]byte, 32),
	}
	main, sealed, own := base, base, base
	main.Proof, main.Segments = poltypes.PROOF_MODE_PROVED, poltypes.MaxSegments
	main.Recipe = poltypes.RecipeBounds{Optimizers: []string{"adam"}, MaxBatchSize: 32, MaxSteps: 640}
	sealed.Evaluation, sealed.Providers = poltypes.EVALUATION_MODE_SEALED, []string{provider}
	own.AllowList = []string{dealer}
	if c.HonestOnly {
		return []*group{{name: "open", settings: base, stake: onlyStake, effort: 1_000}}
	}
	return []*group{
		{name: "main", settings: main, stake: mainStake, effort: 1_000},
		{name: "open", settings: base, stake: openStake, effort: 500},
		{name: "sealed", settings: sealed, stake: sealedStake, effort: 500},
		{name: "own", settings: own, stake: ownStake, effort: 10},
	}
}

// training returns what one training of a round costs in a group, in unrn; evaluation and segment what these cost.
func (c Config) training(g *group) int64 {
	return int64(c.Costs.TrainingPerHour*NRN) * int64(c.Hours) * g.effort / 1_000
}

func (c Config) evaluation(g *group) int64 { return c.training(g) / c.Costs.EvaluationsPerTraining }

func (c Config) segment(g *group) int64 { return c.training(g) / poltypes.MaxSegments }
