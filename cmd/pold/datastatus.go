package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/client/flags"
	sdk "github.com/cosmos/cosmos-sdk/types"

	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

const flagAddress = "address"

func dataStatusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status SET",
		Short: "See which patches are open, how they stand, and when it is decided",
		Long: `See which patches of a training set are open, what stake is behind each and behind leaving it as it is, when they are checked and when the most voted one is
applied, and what became of the last ones. With --from or --address it also says what you can vote with and what you support.

` + exitHelp,
		Example: `  pold data status digits
  pold data status digits --from alice
  pold data status digits -o json | jq '.open[0]'`,
		Args: exactly(1, "a training set"),
	}
	cmd.Flags().String(flagAddress, "", "account whose votes are shown")
	cmd.Flags().String(flags.FlagFrom, "", "key whose votes are shown")
	flags.AddKeyringFlags(cmd.Flags())
	return readCommand(cmd, false, func(ctx context.Context, r *reader, args []string) error {
		address, err := askingAddress(cmd)
		if err != nil {
			return err
		}
		v, err := r.status(ctx, args[0], address)
		if err != nil {
			return err
		}
		if err := r.p.show(v); err != nil {
			return err
		}
		if len(v.Open) > 0 {
			r.p.next("pold data show %d", v.Open[0].Proposal)
		} else {
			r.p.next("pold data export %s -o FILE, change it, and pold data diff FILE CHANGED", args[0])
		}
		return nil
	})
}

// askingAddress returns the account of --address or --from, empty when neither is given.
func askingAddress(cmd *cobra.Command) (string, error) {
	address, _ := cmd.Flags().GetString(flagAddress)
	from, _ := cmd.Flags().GetString(flags.FlagFrom)
	switch {
	case address != "":
		if _, err := sdk.AccAddressFromBech32(address); err != nil {
			return "", usage("--address: expected an account, got %q: %w", address, err)
		}
		return address, nil
	case from == "":
		return "", nil
	}
	_, clientCtx := openNode(cmd)
	clientCtx, err := openKeyring(cmd, clientCtx)
	if err != nil {
		return "", err
	}
	found, err := (&sender{client: clientCtx}).findKey(cmd)
	return found.String(), err
}

// status asks everything that the view shows.
func (r *reader) status(ctx context.Context, name, address string) (*statusView, error) {
	in := statusInput{address: address, now: r.now()}
	var err error
	if in.set, err = r.node.set(ctx, name); err != nil {
		return nil, err
	}
	if in.params, err = r.node.setParams(ctx); err != nil {
		return nil, err
	}
	if in.proposals, err = r.node.proposals(ctx, name); err != nil {
		return nil, err
	}
	group := in.set.Group
	if group == "" {
		return newStatusView(in), nil
	}
	if in.votes, err = r.node.voteParams(ctx); err != nil {
		return nil, err
	}
	if in.period, err = r.node.period(ctx, group); err != nil {
		return nil, err
	}
	if in.ballots, err = r.node.ballots(ctx, group); err != nil {
		return nil, err
	}
	if address != "" {
		if in.voter, err = r.node.voter(ctx, group, address); err != nil {
			return nil, err
		}
	}
	return newStatusView(in), nil
}

// statusInput is what a status is made of.
type statusInput struct {
	set       trainingsettypes.TrainingSet
	params    trainingsettypes.Params
	votes     votingtypes.Params
	period    votingtypes.Period
	proposals []trainingsettypes.Proposal
	ballots   map[uint64]votingtypes.Ballot
	voter     *votingtypes.QueryVoterResponse
	address   string
	now       time.Time
}

// standingProposal is an open proposal and what is behind it.
type standingProposal struct {
	Proposal     uint64 `json:"proposal"`
	Summary      string `json:"summary"`
	RowsAdded    uint64 `json:"rows_added"`
	RowsRemoved  uint64 `json:"rows_removed"`
	StandingUnrn string `json:"standing_unrn"`
	Share        string `json:"share"`
	Quorum       bool   `json:"has_quorum"`
	Voters       uint64 `json:"voters"`
	Status       string `json:"status"`
	Note         string `json:"note,omitempty"`
	Held         bool   `json:"held_by_validators"`
	ForVersion   uint64 `json:"for_version"`
	Takedown     bool   `json:"takedown"`
	Mine         bool   `json:"supported_by_address,omitempty"`

	standing math.Int
	delta    trainingsettypes.Delta
}

// keepView is what is behind leaving a set as it is.
type keepView struct {
	Ballot       uint64 `json:"ballot"`
	StandingUnrn string `json:"standing_unrn"`
	Share        string `json:"share"`
	Voters       uint64 `json:"voters"`
	Mine         bool   `json:"supported_by_address,omitempty"`

	standing math.Int
}

// decidedProposal is one that can't be voted for any more.
type decidedProposal struct {
	Proposal uint64 `json:"proposal"`
	Summary  string `json:"summary"`
	Status   string `json:"status"`
	Note     string `json:"note,omitempty"`
}

// ballot returns an open one, with nothing behind it when the node does not list it.
func (in statusInput) ballot(id uint64) votingtypes.Ballot {
	b, ok := in.ballots[id]
	if !ok {
		b.Tally = votingtypes.NewTally(in.period.Number)
	}
	return b
}

// keep returns what is behind leaving the set as it is, nil before its first proposal.
func (in statusInput) keep() *keepView {
	id := in.set.KeepBallot
	if id == 0 {
		return nil
	}
	b := in.ballot(id)
	return &keepView{
		Ballot: id, StandingUnrn: b.Tally.Standing.String(), Share: showShare(b.Tally.Standing, in.period.Tally.Standing), Voters: b.Votes,
		Mine: in.voter != nil && supports(in.voter, id), standing: b.Tally.Standing,
	}
}

// print says what a patch has to beat.
func (k *keepView) print(p *printer) {
	mine := ""
	if k.Mine {
		mine = ", yours among it"
	}
	p.line("keep as it is  %s (%s)%s: what wins needs more", showNRN(k.standing), k.Share, mine)
}

// sorted returns the open proposals, the most supported first and of equal support the earlier one, as the chain ranks them.
func (in statusInput) sorted() (open []standingProposal, decided []decidedProposal) {
	open, decided = []standingProposal{}, []decidedProposal{} // scripts expect lists
	for _, p := range in.proposals {
		if !p.Status.Open() {
			decided = append(decided, decidedProposal{p.Id, p.Summary, proposalStatus(p.Status), p.Note})
			continue
		}
		b := in.ballot(p.Ballot)
		all := in.period.Tally.Standing
		open = append(open, standingProposal{
			Proposal: p.Id, Summary: p.Summary, RowsAdded: p.Delta.RowsAdded, RowsRemoved: p.Delta.RowsRemoved,
			StandingUnrn: b.Tally.Standing.String(), Share: showShare(b.Tally.Standing, all), Voters: b.Votes,
			Quorum: votingtypes.Reaches(b.Tally.Standing, all, in.params.QuorumE6, 1_000_000),
			Status: proposalStatus(p.Status), Note: p.Note, Held: p.Held, ForVersion: p.OpenedVersion, Takedown: p.Takedown,
			Mine: in.voter != nil && supports(in.voter, p.Ballot), standing: b.Tally.Standing, delta: p.Delta,
		})
	}
	slices.SortStableFunc(open, func(a, b standingProposal) int { return b.standing.BigInt().Cmp(a.standing.BigInt()) })
	slices.Reverse(decided)
	return open, decided
}

// row is a line of the table of open proposals.
func (s standingProposal) row(version uint64) []string {
	status := s.Status
	if s.Note != "" {
		status += ": " + plain(s.Note)
	} else if s.ForVersion != version {
		status += fmt.Sprintf(", made for version %d", s.ForVersion)
	}
	if !s.Quorum {
		status += ", no quorum"
	}
	mine := ""
	if s.Mine {
		mine = "yours"
	}
	summary := plain(s.Summary)
	if s.Takedown {
		summary = "(takedown: needs more than half) " + summary
	}
	return []string{strconv.FormatUint(s.Proposal, 10), rowsChanged(s.delta), showNRN(s.standing), s.Share, mine, status, summary}
}
