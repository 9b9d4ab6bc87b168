// Package simulation lets the whole chain run with people and validators who do what they like, cheats included, drawn from a seed.
// Every block goes the real way: transactions, vote extensions, proposals, execution; only training and computing are replaced, by
// what everybody would find if they did it.
//
//	s := simulation.New(t, simulation.Config{Seed: 7})
//	s.Run(300) // checks all invariants after each block
//	s.Finish() // export, import and replay give the same state
//	s.Seen["EventRoundSettled won"]
//
// people.go has trainers, providers, planters of canaries and stakers; govern.go appeals; vote.go changes of data and groups; validators.go what sidecars answer and what
// proposers leave out; genesis.go the first state; usage.go measures how large the state is. Nothing depends on a clock or on map
// order, so a seed that fails fails again.
package simulation

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"

	"github.com/pold-network/pold/testutil/network"
	"github.com/pold-network/pold/testutil/sidecars"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// Config says what a simulation starts with.
type Config struct {
	Seed uint64
	// BlockTime is the time from block to block; 10 minutes when zero, so that days pass.
	BlockTime time.Duration
	// Retention is how many heights finished tasks, and RoundRetention how many rounds, stay readable; 100 and 3 when zero.
	Retention      int64
	RoundRetention uint64
}

// Simulation is a chain, its people and its validators.
type Simulation struct {
	*network.Network
	// Seen counts what happened: typed events by name, and by name and their status, kind or what.
	Seen map[string]int
	// Refused and Accepted count the messages of people.
	Refused, Accepted int
	// Failures are the items of block work that the chain could not do; there should be none.
	Failures []string

	t     testing.TB
	seed  uint64
	r     *rand.Rand
	set   *sidecars.Set
	files map[string]file // by SHA-256: what validators find in them
	works map[string]*work
	// revealed are the checkpoints that everybody can copy, by group.
	revealed map[string][]*work
	changes  map[string]change // by SHA-256 of the body: what validators find when they apply it
	keys     map[string][]byte // of sealed batches, by group, round and provider
	canaries []canary
	statuses map[string]poltypes.CanaryStatus // of canaries when last seen
	voted    map[uint64]bool                  // proposals that validators have voted on
	forks    int
	// bonded is the power of the last commit.
	bonded int64
}

// file is what validators find when they look into a file.
type file struct {
	loss   uint64
	status poltypes.ScoreStatus
	// forged is the segment of the transcript that a replay contradicts, -1 for none.
	forged int
	// withheld: too few validators can fetch it. bad: a sealed batch that is not what its provider committed to.
	withheld, bad bool
}

// New starts a simulation at its first block.
func New(t testing.TB, config Config) *Simulation {
	t.Helper()
	if config.BlockTime == 0 {
		config.BlockTime = 10 * time.Minute
	}
	if config.Retention == 0 {
		config.Retention = 100
	}
	if config.RoundRetention == 0 {
		config.RoundRetention = 3
	}
	s := &Simulation{
		t: t, seed: config.Seed, r: rand.New(rand.NewPCG(2_024, config.Seed)), Seen: map[string]int{}, files: map[string]file{},
		works: map[string]*work{}, revealed: map[string][]*work{}, changes: map[string]change{}, keys: map[string][]byte{}, voted: map[uint64]bool{}, statuses: map[string]poltypes.CanaryStatus{},
	}
	s.Network = network.New(t, network.Config{
		Powers: powers, Accounts: accounts, Balance: balance, BlockTime: config.BlockTime, Genesis: genesis(config),
	})
	s.attach()
	s.step()
	return s
}

// Run makes blocks and checks the invariants of all modules after each.
func (s *Simulation) Run(blocks int) {
	s.t.Helper()
	for range blocks {
		s.act()
		s.step()
		require.NoError(s.t, s.App.CheckInvariants(s.Ctx()), "seed %d, height %d", s.seed, s.Height())
	}
}

// Finish checks that the state survives export and import, that the imported one fits together and lives on, and that all blocks
// give the same app hashes on another node.
func (s *Simulation) Finish() {
	s.t.Helper()
	exported, again := s.Reexport()
	require.JSONEq(s.t, string(exported), string(again), "seed %d", s.seed)
	next := s.Continue()
	next.Advance(3)
	require.NoError(s.t, next.App.CheckInvariants(next.Ctx()), "seed %d, continued", s.seed)
	s.Replay()
}

// step makes one block and notes what happened in it.
func (s *Simulation) step() {
	s.t.Helper()
	day := s.dayBefore()
	block := s.Advance(1)
	s.bonded = 0
	for _, v := range block.Commit.Votes {
		s.bonded += v.Validator.Power
	}
	if block.Rejected {
		s.Seen["proposal rejected"]++
	}
	s.note(block.Result.Events)
	for i, result := range block.Result.TxResults {
		switch {
		case i == 0: // the injected commit
		case result.Code != 0:
			s.Refused++
		default:
			s.Accepted++
			s.note(result.Events)
		}
	}
	s.checkDay(day)
	s.noteCanaries()
}

// noteCanaries counts what became of canaries, about which there are no events.
func (s *Simulation) noteCanaries() {
	require.NoError(s.t, s.App.PolKeeper.Canaries.Walk(s.Ctx(), nil, func(key collections.Triple[string, uint64, string], c poltypes.Canary) (bool, error) {
		if name := fmt.Sprint(key.K1(), key.K2(), key.K3()); s.statuses[name] != c.Status {
			s.statuses[name] = c.Status
			s.Seen[c.Status.String()]++
		}
		return false, nil
	}))
	held := 0
	require.NoError(s.t, s.App.PolKeeper.HeldLosses.Walk(s.Ctx(), nil, func(collections.Triple[string, uint64, string], poltypes.HeldLoss) (bool, error) {
		held++
		return false, nil
	}))
	if held > 0 {
		s.Seen["block with held losses"]++
	}
}

// note counts typed events of our modules.
func (s *Simulation) note(events []abci.Event) {
	for _, e := range events {
		if !strings.HasPrefix(e.Type, "pold.") {
			continue
		}
		name := e.Type[strings.LastIndex(e.Type, ".")+1:]
		s.Seen[name]++
		for _, a := range e.Attributes {
			value := strings.Trim(a.Value, `"`)
			switch a.Key {
			case "status", "kind", "what", "phase", "wrong", "file":
				s.Seen[name+" "+value]++
			case "winner":
				if value != "" {
					s.Seen[name+" won"]++
				}
			}
		}
		if name == "EventItemFailed" || name == "EventCallbackFailed" {
			s.Failures = append(s.Failures, fmt.Sprint("height ", s.Height(), ": ", e.Attributes))
		}
	}
}

// Groups lists the training groups of the simulation.
func (s *Simulation) Groups() []string {
	return []string{scoredGroup, provedGroup, sealedGroup, playGroup}
}

// roll draws a number that depends only on the seed and on what it is about: sidecars are asked again in every block and
// must not change their mind.
func (s *Simulation) roll(about ...any) uint64 {
	sum := sha256.Sum256(fmt.Appendln(binary.BigEndian.AppendUint64(nil, s.seed), about...))
	return binary.BigEndian.Uint64(sum[:])
}

// chance is true for a part of all things, in hundredths.
func (s *Simulation) chance(percent uint64, about ...any) bool { return s.roll(about...)%100 < percent }

// often is true in a part of all cases, in hundredths; it is for what is decided once.
func (s *Simulation) often(percent int) bool { return s.r.IntN(100) < percent }

// contentID names bytes as IPFS does.
func contentID(content string) (string, []byte) {
	hash := sha256.Sum256([]byte(content))
	mh, err := multihash.Encode(hash[:], multihash.SHA2_256)
	if err != nil {
		panic(err)
	}
	return cid.NewCidV1(cid.Raw, mh).String(), hash[:]
}
