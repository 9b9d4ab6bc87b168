package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cosmossdk.io/math"

	poltypes "github.com/pold-network/pold/x/pol/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

func groupChangesCommand() *cobra.Command {
	return readCommand(&cobra.Command{
		Use:   "changes GROUP",
		Short: "See which changes of a group are open and what became of others",
		Long: `See which changes of a group are open, what stake is behind each and what each needs, and what became of earlier ones.

` + exitHelp,
		Example: `  pold group changes digits
  pold group changes digits -o json | jq '.open[] | .share'`,
		Args: exactly(1, "a group"),
	}, false, func(ctx context.Context, r *reader, args []string) error {
		v, err := r.groupChanges(ctx, args[0])
		if err != nil {
			return err
		}
		if err := r.p.show(v); err != nil {
			return err
		}
		if len(v.Open) > 0 {
			r.p.next("pold group vote %d --from KEY", v.Open[0].Change)
		} else {
			r.p.next("pold group propose-times %s --help, or propose-model --help", args[0])
		}
		return nil
	})
}

func (r *reader) groupChanges(ctx context.Context, group string) (*changesView, error) {
	g, err := r.node.group(ctx, group)
	if err != nil {
		return nil, err
	}
	if g.Settings.Sandbox {
		return nil, fail(exitRejected, "group %s is a sandbox: nobody votes on it", group)
	}
	period, err := r.node.period(ctx, group)
	if err != nil {
		return nil, err
	}
	params, err := r.node.voteParams(ctx)
	if err != nil {
		return nil, err
	}
	changes, err := r.node.changes(ctx, group)
	if err != nil {
		return nil, err
	}
	ballots, err := r.node.ballots(ctx, group)
	if err != nil {
		return nil, err
	}
	return newChangesView(group, period, params, changes, ballots, r.now()), nil
}

// changesView is what pold group changes shows.
type changesView struct {
	Group   string       `json:"group"`
	Period  *periodView  `json:"period"`
	Open    []changeView `json:"open"`
	Decided []changeView `json:"decided"`

	now time.Time
}

// changeView is a proposed change of a group.
type changeView struct {
	Change      uint64 `json:"change"`
	What        string `json:"what"`
	Summary     string `json:"summary"`
	Proposer    string `json:"proposer"`
	Status      string `json:"status"`
	Note        string `json:"note,omitempty"`
	SupportUnrn string `json:"support_unrn"`
	OfUnrn      string `json:"of_standing_unrn"`
	Share       string `json:"share"`
	Needs       string `json:"needs"`
	Enough      bool   `json:"enough"`
	LastPeriod  uint64 `json:"last_period"`
	Activates   string `json:"activates,omitempty"`

	support, of   math.Int
	activatesUnix int64
}

func newChangesView(group string, period votingtypes.Period, params votingtypes.Params, changes []poltypes.GroupChange, ballots map[uint64]votingtypes.Ballot, now time.Time) *changesView {
	v := &changesView{Group: group, Period: newPeriodView(period, params), Open: []changeView{}, Decided: []changeView{}, now: now}
	for _, c := range changes {
		open := c.Status == poltypes.GROUP_CHANGE_STATUS_OPEN
		support, of := c.Support, c.OfStake
		if open {
			support, of = math.ZeroInt(), period.Tally.Standing
			if b, ok := ballots[c.Ballot]; ok {
				support = b.Tally.Standing
			}
		}
		x := changeView{
			Change: c.Id, What: changeWords(c), Summary: c.Summary, Proposer: c.Proposer, Status: statusWord(c.Status.String(), "GROUP_CHANGE_STATUS_"), Note: c.Note,
			SupportUnrn: support.String(), OfUnrn: of.String(), Share: showShare(support, of), Needs: thresholdWords(c, of),
			Enough: c.Adopted(support, of), LastPeriod: c.LastPeriod, support: support, of: of,
		}
		if c.ActivatesUnix > 0 {
			x.Activates, x.activatesUnix = stamp(c.ActivatesUnix), c.ActivatesUnix
		}
		if open {
			v.Open = append(v.Open, x)
		} else {
			v.Decided = append([]changeView{x}, v.Decided...)
		}
	}
	return v
}

func (v *changesView) print(p *printer) {
	v.Period.print(p, v.now)
	p.line("")
	if len(v.Open) == 0 {
		p.line("no change is open")
	}
	for _, c := range v.Open {
		p.line("%s", p.paint(bold, fmt.Sprintf("change %d: %s", c.Change, plain(c.Summary))))
		p.line("  what     %s", c.What)
		p.line("  by       %s", c.Proposer)
		enough := "not enough yet"
		if c.Enough {
			enough = "enough"
		}
		p.line("  support  %s, %s: %s", showNRN(c.support), c.Share, enough)
		p.line("  needs    %s", c.Needs)
		p.line("  until    the end of period %d", c.LastPeriod)
	}
	if len(v.Decided) == 0 {
		return
	}
	p.line("")
	rows := make([][]string, len(v.Decided))
	for i, c := range v.Decided {
		why := plain(c.Note)
		if c.Status == "adopted" && c.Activates != "" {
			why += ", not before " + showTime(c.activatesUnix)
		}
		rows[i] = []string{strconv.FormatUint(c.Change, 10), c.Status, c.Share + " of " + showNRN(c.of), why, c.What, plain(c.Summary)}
	}
	p.table([]string{">DECIDED", "STATUS", "SUPPORT", "WHY", "WHAT", "SUMMARY"}, rows)
}

// changeWords says in one line what a change is.
func changeWords(c poltypes.GroupChange) string {
	if c.Model != nil {
		hash, err := c.Model.Hash()
		if err != nil {
			return "another model"
		}
		words := "model " + hex.EncodeToString(hash[:6]) + "…"
		if spec := c.Model.Spec(); spec.Validate() == nil {
			words += fmt.Sprintf(", %s, %s", plural(len(spec.Layers), "layer", ""), plural(spec.Parameters(), "parameter", ""))
		}
		return words
	}
	if c.Times == nil {
		return "nothing"
	}
	var parts []string
	for _, x := range []struct {
		name  string
		value uint64
		show  func(uint64) string
	}{
		{"commit", c.Times.CommitBlocks, func(n uint64) string { return plural(n, "block", "") }},
		{"reveal", c.Times.RevealBlocks, func(n uint64) string { return plural(n, "block", "") }},
		{"nominal", c.Times.NominalSeconds, showSeconds},
		{"voting period", c.Times.PeriodSeconds, showSeconds},
	} {
		if x.value != 0 {
			parts = append(parts, x.name+" "+x.show(x.value))
		}
	}
	return strings.Join(parts, ", ")
}

// thresholdWords says what a change needs to be adopted.
func thresholdWords(c poltypes.GroupChange, all math.Int) string {
	if c.Model != nil {
		least := math.MaxInt(all.MulRaw(2).AddRaw(2).QuoRaw(3), math.OneInt())
		return fmt.Sprintf("at least two thirds of %s that stood since the period opened: %s", showNRN(all), showNRN(least))
	}
	return fmt.Sprintf("more than half of %s that stood since the period opened: more than %s", showNRN(all), showNRN(all.QuoRaw(2)))
}
