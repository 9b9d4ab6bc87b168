package governancebench_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"github.com/pold-network/pold/testutil/network"
	"github.com/pold-network/pold/testutil/sidecars"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

const (
	stake         = 1_000_000
	periodSeconds = 7 * 24 * 3_600
)

// start is the genesis time of the networks in memory.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// crowd is some groups that are alike: their periods come to their next step so many seconds after the start.
type crowd struct {
	groups, proposals, stakeholders, votes int
	due                                    int64
	phase                                  votingtypes.PeriodPhase
}

func stakeholder(n int) sdk.AccAddress {
	h := sha256.Sum256(fmt.Append(nil, "stakeholder ", n))
	return h[:20]
}

func groupName(crowd, n int) string { return fmt.Sprintf("g%c%05d", 'a'+crowd, n) }

func contentID(parts ...any) (string, []byte) {
	h := sha256.Sum256(fmt.Append(nil, parts...))
	mh, err := multihash.Encode(h[:], multihash.SHA2_256)
	if err != nil {
		panic(err)
	}
	return cid.NewCidV1(cid.Raw, mh).String(), h[:]
}

// world builds the genesis of a chain with crowds: every stakeholder of a group supports its first proposals. The first one has been
// checked and will win.
func world(crowds ...crowd) func(codec.JSONCodec, map[string]json.RawMessage) {
	return func(cdc codec.JSONCodec, state map[string]json.RawMessage) {
		sidecars.Genesis(func(*attestationtypes.Params) {})(cdc, state)
		pol, sets, voting := poltypes.DefaultGenesis(), trainingsettypes.DefaultGenesis(), votingtypes.DefaultGenesis()
		pol.Params.MinGroupStake = math.OneInt()
		deposits := math.ZeroInt()
		bonded := math.ZeroInt()
		for c, crowd := range crowds {
			for n := range crowd.groups {
				name := groupName(c, n)
				pol.Groups = append(pol.Groups, group(name))
				id, hash := contentID("table", name)
				sets.TrainingSets = append(sets.TrainingSets, trainingsettypes.TrainingSet{
					Name: name, Owner: stakeholder(0).String(), Version: 1, Status: trainingsettypes.STATUS_VERIFIED, Group: name,
					OpenProposals: uint32(crowd.proposals),
					Table:         trainingsettypes.Table{Cid: id, Sha256: hash, Size_: 1_000, Rows: 100, Columns: 5, Targets: 1, Root: hash, ValidationPermille: 200},
				})
				all := math.NewInt(int64(crowd.stakeholders) * stake)
				tally := votingtypes.Tally{Period: 1, Standing: all, Bonded: all}
				voting.Periods = append(voting.Periods, votingtypes.Period{
					Group: name, Number: 1, Phase: crowd.phase, OpenedUnixMs: start.UnixMilli(), EndsUnix: start.Unix() + crowd.due, Seconds: periodSeconds,
					Tally: tally, OpenBallots: uint32(crowd.proposals),
				})
				voting.Due = append(voting.Due, votingtypes.DueGroup{Group: name, Unix: start.Unix() + crowd.due})
				first := voting.NextBallot
				for p := range crowd.proposals {
					ballot := votingtypes.Ballot{Id: voting.NextBallot, Group: name, Owner: trainingsettypes.ModuleName, Ref: sets.NextProposal, Tally: votingtypes.NewTally(1)}
					if p < crowd.votes {
						ballot.Tally, ballot.Votes = tally, uint64(crowd.stakeholders)
					}
					voting.Ballots = append(voting.Ballots, ballot)
					voting.NextBallot++
					sets.Proposals = append(sets.Proposals, proposal(sets.NextProposal, name, hash, ballot.Id, p == 0))
					sets.NextProposal++
					deposits = deposits.AddRaw(stake)
				}
				for h := range crowd.stakeholders {
					pol.Bonds = append(pol.Bonds, poltypes.GroupBond{Group: name, Address: stakeholder(h).String(), Amount: math.NewInt(stake)})
					for v := range min(crowd.votes, crowd.proposals) {
						voting.Votes = append(voting.Votes, votingtypes.Vote{Ballot: first + uint64(v), Group: name, Voter: stakeholder(h).String()})
					}
				}
				bonded = bonded.Add(all)
				if crowd.phase == votingtypes.PERIOD_PHASE_CHECK {
					sets.Checks = append(sets.Checks, trainingsettypes.Check{TrainingSet: name, Period: 1, Proposals: []uint64{sets.NextProposal - uint64(crowd.proposals)}})
				}
			}
		}
		state[poltypes.ModuleName] = cdc.MustMarshalJSON(pol)
		state[trainingsettypes.ModuleName] = cdc.MustMarshalJSON(sets)
		state[votingtypes.ModuleName] = cdc.MustMarshalJSON(voting)
		var bank banktypes.GenesisState
		cdc.MustUnmarshalJSON(state[banktypes.ModuleName], &bank)
		for module, amount := range map[string]math.Int{poltypes.ModuleName: bonded, trainingsettypes.ModuleName: deposits} {
			bank.Balances = append(bank.Balances, banktypes.Balance{
				Address: authtypes.NewModuleAddress(module).String(), Coins: sdk.NewCoins(sdk.NewCoin(poltypes.BaseDenom, amount)),
			})
		}
		bank.Balances = append(bank.Balances, banktypes.Balance{Address: stakeholder(0).String(), Coins: sdk.NewCoins(sdk.NewInt64Coin(poltypes.BaseDenom, 1_000_000*stake))})
		bank.Balances = banktypes.SanitizeGenesisBalances(bank.Balances)
		state[banktypes.ModuleName] = cdc.MustMarshalJSON(&bank)
	}
}

func group(name string) poltypes.Group {
	return poltypes.Group{
		Name: name, Creator: network.AccountAddress(0), BountyPool: math.ZeroInt(),
		Settings: poltypes.GroupSettings{
			Model:       poltypes.ModelSpec{InputShape: []uint32{4}, Layers: []*poltypes.Layer{{Name: "out", Kind: "dense", Units: 3}}},
			TrainingSet: name, Objective: poltypes.OBJECTIVE_CROSS_ENTROPY,
			Evaluation: poltypes.EVALUATION_MODE_TRAINING_SET, Proof: poltypes.PROOF_MODE_SCORED,
			CommitBlocks: 10, RevealBlocks: 10, NominalSeconds: 3_600,
			CommitBond: math.NewInt(1), BountyPerRound: math.ZeroInt(), InitSeed: bytes.Repeat([]byte{7}, 32),
		},
	}
}

// proposal is one that waits; a checked one is ready to be applied.
func proposal(id uint64, set string, root []byte, ballot uint64, checked bool) trainingsettypes.Proposal {
	content, hash := contentID("delta", id)
	p := trainingsettypes.Proposal{
		Id: id, TrainingSet: set, Proposer: stakeholder(0).String(), Deposit: math.NewInt(stake), Ballot: ballot, OpenedVersion: 1,
		OpenedUnix: start.Unix(), DueUnix: start.Unix() + 4*periodSeconds, Summary: "better rows", Status: trainingsettypes.PROPOSAL_STATUS_OPEN,
		Delta: trainingsettypes.Delta{Cid: content, Sha256: hash, Size_: 300, BaseRoot: root, RowsAdded: 2, RowsRemoved: 1, Root: hash},
	}
	if checked {
		p.Status, p.CheckedVersion = trainingsettypes.PROPOSAL_STATUS_APPLICABLE, 1
		p.Result = &trainingsettypes.Table{Cid: content, Sha256: hash, Size_: 1_010, Rows: 101, Columns: 5, Targets: 1, Root: hash, ValidationPermille: 200}
	}
	return p
}
