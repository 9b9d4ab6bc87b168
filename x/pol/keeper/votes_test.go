package keeper_test

import (
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/math"

	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// votes is a voting module whose ballots say what a test wants.
type votes struct {
	period  votingtypes.Period
	ballots []votingtypes.Ballot
	// standing is what each account can vote with.
	standing map[string]int64
	// changed are the changes of bonds that were told: group, address, before, after.
	changed []string
	opened  []string
	broken  bool
}

func newVotes() *votes {
	p := votingtypes.Period{Number: 1, Seconds: 3_600, Tally: votingtypes.NewTally(1)}
	p.Tally.Add(1, math.NewInt(1_000), math.NewInt(1_000))
	return &votes{period: p, standing: map[string]int64{}}
}

func (v *votes) GroupOpened(_ context.Context, group string, stake math.Int) error {
	v.opened = append(v.opened, fmt.Sprint(group, " ", stake))
	return nil
}

func (v *votes) BondChanged(_ context.Context, group, address string, before, after math.Int) error {
	if v.broken {
		return errors.New("the tallies are broken")
	}
	v.changed = append(v.changed, fmt.Sprint(group, " ", address, " ", before, " ", after))
	return nil
}

func (v *votes) OpenBallot(_ context.Context, group, owner string, ref uint64, subject string) (uint64, error) {
	id := uint64(len(v.ballots) + 1)
	v.ballots = append(v.ballots, votingtypes.Ballot{Id: id, Group: group, Owner: owner, Ref: ref, Subject: subject, Tally: votingtypes.NewTally(1)})
	return id, nil
}

func (v *votes) CloseBallot(_ context.Context, id uint64) error {
	v.ballots[id-1].Closed = true
	return nil
}

func (v *votes) Standing(_ context.Context, id uint64) (math.Int, math.Int, error) {
	return v.ballots[id-1].Tally.Standing, v.period.Tally.Standing, nil
}

func (v *votes) VoterStanding(_ context.Context, _, address string) (math.Int, error) {
	return math.NewInt(v.standing[address]), nil
}

func (v *votes) Period(_ context.Context, group string) (votingtypes.Period, error) {
	p := v.period
	p.Group = group
	return p, nil
}

func (v *votes) CheckPeriod(_ context.Context, seconds uint64) error {
	return votingtypes.DefaultParams().CheckPeriod(seconds)
}

func (v *votes) SetPeriod(_ context.Context, _ string, seconds uint64) error {
	v.period.Seconds = seconds
	return nil
}

// support puts stake behind a ballot.
func (v *votes) support(id uint64, amount int64) {
	v.ballots[id-1].Tally.Standing = math.NewInt(amount)
}
