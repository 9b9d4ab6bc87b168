package simulation

import (
	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"
	slashingtypes "github.com/cosmos/cosmos-sdk/x/slashing/types"

	"github.com/pold-network/pold/app"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
)

// govern lets a citizen appeal against penalties, and the validators vote.
func (s *Simulation) govern() {
	open := 0
	require.NoError(s.t, s.App.GovKeeper.Proposals.Walk(s.Ctx(), nil, func(id uint64, p govv1.Proposal) (bool, error) {
		if p.Status != govv1.StatusVotingPeriod {
			return false, nil
		}
		open++
		if !s.voted[id] {
			s.voted[id] = true
			for _, v := range s.Validators {
				s.Submit(v.Account, govv1.NewMsgVote(v.Account.Address, id, govv1.OptionYes, ""))
			}
		}
		return false, nil
	}))
	if open > 0 || !s.often(4) {
		return
	}
	var queued []uint64
	require.NoError(s.t, s.App.PolSlashingKeeper.Penalties.Walk(s.Ctx(), nil, func(id uint64, p polslashingtypes.Penalty) (bool, error) {
		if p.Status == polslashingtypes.PENALTY_STATUS_QUEUED {
			queued = append(queued, id)
		}
		return false, nil
	}))
	if len(queued) == 0 {
		return
	}
	m, err := govv1.NewMsgSubmitProposal(
		[]sdk.Msg{&polslashingtypes.MsgCancelPenalty{Authority: app.Authority(), PenaltyId: queued[len(queued)-1], Reason: "the release was bad"}},
		sdk.NewCoins(sdk.NewInt64Coin(app.BaseDenom, 10_000_000)), s.address(citizen), "", "appeal", "an appeal", false)
	require.NoError(s.t, err)
	s.submit(citizen, m)
}

// unjail brings jailed validators back, if they are allowed to.
func (s *Simulation) unjail() {
	for _, v := range s.Validators {
		found, err := s.App.StakingKeeper.GetValidator(s.Ctx(), v.Operator)
		if err == nil && found.IsJailed() && s.often(20) {
			s.Submit(v.Account, slashingtypes.NewMsgUnjail(v.Operator.String()))
		}
	}
}
