package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	sdk "github.com/cosmos/cosmos-sdk/types"

	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

func groupTimesCommand() *cobra.Command {
	var times poltypes.GroupTimes
	var nominal, period, summary string
	cmd := &cobra.Command{
		Use:   "propose-times GROUP",
		Short: "Propose other lengths of a group's rounds and voting periods",
		Long: `Propose other lengths of a group's rounds and voting periods. What is left out stays as it is. The change is adopted at the end of the
first voting period at which more than half of the standing stake is behind it, and takes effect with the next round and period.

` + exitHelp,
		Example: `  pold group propose-times digits --period 3d --summary "decide twice a week" --from alice
  pold group propose-times digits --commit-blocks 600 --reveal-blocks 60 --nominal 1h --summary "longer rounds" --from alice`,
		Args: exactly(1, "a group"),
	}
	f := cmd.Flags()
	f.Uint64Var(&times.CommitBlocks, "commit-blocks", 0, "length of the commit phase, in blocks")
	f.Uint64Var(&times.RevealBlocks, "reveal-blocks", 0, "length of the reveal phase, in blocks")
	f.StringVar(&nominal, "nominal", "", "round length up to which the coinbase grows, such as 1h")
	f.StringVar(&period, "period", "", "length of voting periods, such as 24h or 7d")
	f.StringVar(&summary, "summary", "", "one line for those who vote: why (required)")
	return txCommandOf(cmd, func(ctx context.Context, n node, s *sender, args []string) error {
		var err error
		if times.NominalSeconds, err = parseSpan("--nominal", nominal); err != nil {
			return err
		}
		if times.PeriodSeconds, err = parseSpan("--period", period); err != nil {
			return err
		}
		if times == (poltypes.GroupTimes{}) {
			return usage("expected at least one of --commit-blocks, --reveal-blocks, --nominal and --period")
		}
		return proposeChange(ctx, n, s, poltypes.GroupChange{Group: args[0], Times: &times, Summary: summary}, nil)
	})
}

// parseSpan reads a length of time such as 90m, 24h or 7d as whole seconds; nothing is 0.
func parseSpan(flag, text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	expected := fmt.Sprintf("%s: expected a length of whole seconds such as 90m, 24h or 7d, got %q", flag, text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil || n == 0 {
			return 0, usage("%s", expected)
		}
		return n * 24 * 3_600, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Second || d%time.Second != 0 {
		return 0, usage("%s", expected)
	}
	return uint64(d / time.Second), nil
}

// proposeChange checks a change as the chain will, says what it does and needs, and proposes it. describe adds what the change is
// about to the lines that are shown.
func proposeChange(ctx context.Context, n node, s *sender, c poltypes.GroupChange, describe func(poltypes.Group) ([]string, error)) error {
	if c.Summary == "" {
		return usage("--summary: expected one line for those who vote, got none")
	}
	if err := trainingsettypes.ValidateText("--summary", c.Summary, poltypes.MaxChangeSummary, true); err != nil {
		return usage("%w", err)
	}
	c.Proposer = s.address.String()
	g, period, v, err := stakeOf(ctx, n, c.Group, c.Proposer)
	if err != nil {
		return err
	}
	params, err := n.groupParams(ctx)
	if err != nil {
		return err
	}
	if err := checkChange(ctx, n, params, g, c); err != nil {
		return err
	}
	open, err := n.changes(ctx, c.Group)
	if err != nil {
		return err
	}
	if err := mayPropose(params, period, v, open, c.Proposer); err != nil {
		return err
	}
	var about []string
	if describe != nil {
		if about, err = describe(g); err != nil {
			return err
		}
	} else {
		about = timesWords(g.Settings, period, *c.Times)
	}
	i := intent{
		changes: append(about,
			"needs       "+thresholdWords(c, period.Tally.Standing),
			fmt.Sprintf("decided     at the end of this voting period, %s (%s), or of one of the next %d", showWhen(period.EndsUnix, time.Now()), showTime(period.EndsUnix), params.ChangePeriods-1)),
		messages: []sdk.Msg{&poltypes.MsgProposeGroupChange{Sender: c.Proposer, Group: c.Group, Times: c.Times, Model: c.Model, Summary: c.Summary}},
	}
	return s.sendAndShow(ctx, i, "", func(r *receipt) error {
		var opened poltypes.MsgProposeGroupChangeResponse
		if err := r.response(0, &opened); err != nil {
			return err
		}
		r.Result = map[string]any{"change": opened.Change, "ballot": opened.Ballot}
		r.Next = fmt.Sprintf("pold group vote %d --from %s", opened.Change, s.factory.FromName())
		if !s.p.json {
			s.p.line("change      %d", opened.Change)
		}
		return nil
	})
}

// checkChange refuses what the chain would refuse, as far as the chain's rules don't need its state of audits.
func checkChange(ctx context.Context, n node, params poltypes.Params, g poltypes.Group, c poltypes.GroupChange) error {
	settings := g.Settings.With(c)
	shape, err := settings.Validate(params)
	if err != nil {
		return fail(exitRejected, "group %s could not work with it: %w", g.Name, err)
	}
	if c.Times != nil {
		if c.Times.PeriodSeconds == 0 {
			return nil
		}
		votes, err := n.voteParams(ctx)
		if err != nil {
			return err
		}
		if err := votes.CheckPeriod(c.Times.PeriodSeconds); err != nil {
			return fail(exitRejected, "--period: expected %s to %s, got %s", showSeconds(votes.MinPeriodSeconds), showSeconds(votes.MaxPeriodSeconds), showSeconds(c.Times.PeriodSeconds))
		}
		return nil
	}
	set, err := n.set(ctx, settings.TrainingSet)
	if err != nil {
		return err
	}
	if err := settings.Fits(shape, set.Table); err != nil {
		return fail(exitRejected, "the model does not suit the data: %w", err)
	}
	if cost := shape.ScoreCost(set.Table.Rows, set.Table.Size_); cost > params.MaxGroupCost {
		return fail(exitRejected, "scoring one checkpoint would cost %s, expected at most %s; use a smaller model", thousands(cost), thousands(params.MaxGroupCost))
	}
	return nil
}

// mayPropose refuses a proposer with too little stake, or with a proposal that is still open.
func mayPropose(params poltypes.Params, period votingtypes.Period, v *votingtypes.QueryVoterResponse, all []poltypes.GroupChange, proposer string) error {
	standing := period.Tally.Standing
	if !votingtypes.Reaches(v.Standing, standing, params.ChangeStakeE6, 1_000_000) {
		return fail(exitRejected, "expected %s of the %s that stood since the voting period opened (%s), you have %s; more stake counts from the next period on: pold group bond",
			showPart(params.ChangeStakeE6), showNRN(standing), showNRN(quorum(params.ChangeStakeE6, standing)), showNRN(v.Standing))
	}
	for _, c := range all {
		if c.Proposer == proposer && c.Status == poltypes.GROUP_CHANGE_STATUS_OPEN {
			return fail(exitRejected, "your change %d of group %s is still open; wait until it is decided", c.Id, c.Group)
		}
	}
	return nil
}

// timesWords says what a change of times does.
func timesWords(s poltypes.GroupSettings, period votingtypes.Period, t poltypes.GroupTimes) []string {
	var words []string
	for _, x := range []struct {
		name    string
		was, is uint64
		show    func(uint64) string
	}{
		{"commit", s.CommitBlocks, t.CommitBlocks, func(n uint64) string { return plural(n, "block", "") }},
		{"reveal", s.RevealBlocks, t.RevealBlocks, func(n uint64) string { return plural(n, "block", "") }},
		{"nominal", s.NominalSeconds, t.NominalSeconds, showSeconds},
		{"period", period.Seconds, t.PeriodSeconds, showSeconds},
	} {
		if x.is != 0 {
			words = append(words, fmt.Sprintf("%-11s %s -> %s", x.name, x.show(x.was), x.show(x.is)))
		}
	}
	return words
}
