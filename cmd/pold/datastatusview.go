package main

import (
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// statusView is what pold data status shows.
type statusView struct {
	TrainingSet string             `json:"training_set"`
	Version     uint64             `json:"version"`
	Rows        uint64             `json:"rows"`
	Root        string             `json:"root"`
	Status      string             `json:"status"`
	Group       string             `json:"group,omitempty"`
	ForkedFrom  string             `json:"forked_from,omitempty"`
	Period      *periodView        `json:"period,omitempty"`
	You         *voterView         `json:"voter,omitempty"`
	Keep        *keepView          `json:"keep,omitempty"`
	Open        []standingProposal `json:"open"`
	Decided     []decidedProposal  `json:"decided"`

	in statusInput
}

// periodView is a voting period.
type periodView struct {
	Number       uint64 `json:"number"`
	Phase        string `json:"phase"`
	Seconds      int64  `json:"seconds"`
	NextSeconds  uint64 `json:"next_seconds"`
	Opened       string `json:"opened"`
	Checked      string `json:"checked"`
	Ends         string `json:"ends"`
	StandingUnrn string `json:"standing_unrn"`
	Quorum       string `json:"quorum"`
	QuorumUnrn   string `json:"quorum_unrn"`

	period    votingtypes.Period
	checkUnix int64
}

// voterView is what an account can vote with.
type voterView struct {
	Address      string   `json:"address"`
	StandingUnrn string   `json:"standing_unrn"`
	BondedUnrn   string   `json:"bonded_unrn"`
	Ballots      []uint64 `json:"ballots"`
}

func newPeriodView(p votingtypes.Period, params votingtypes.Params) *periodView {
	check := params.CheckUnix(p)
	return &periodView{
		Number: p.Number, Phase: statusWord(p.Phase.String(), "PERIOD_PHASE_"), Seconds: p.EndsUnix - (p.OpenedUnixMs+999)/1_000, NextSeconds: p.Seconds,
		Opened: stamp(p.OpenedUnixMs / 1_000), Checked: stamp(check), Ends: stamp(p.EndsUnix), StandingUnrn: p.Tally.Standing.String(),
		period: p, checkUnix: check,
	}
}

func newStatusView(in statusInput) *statusView {
	v := &statusView{
		TrainingSet: in.set.Name, Version: in.set.Version, Rows: in.set.Table.Rows, Root: hex.EncodeToString(in.set.Table.Root),
		Status: statusWord(in.set.Status.String(), "STATUS_"), Group: in.set.Group, ForkedFrom: in.set.ForkedFrom, in: in,
	}
	v.Open, v.Decided = in.sorted()
	if in.set.Group == "" {
		return v
	}
	v.Keep = in.keep()
	v.Period = newPeriodView(in.period, in.votes)
	v.Period.Quorum = quorumWords(in.params.QuorumE6, in.period.Tally.Standing)
	v.Period.QuorumUnrn = quorum(in.params.QuorumE6, in.period.Tally.Standing).String()
	if in.voter != nil {
		v.You = &voterView{Address: in.address, StandingUnrn: in.voter.Standing.String(), BondedUnrn: in.voter.Bonded.String(), Ballots: in.voter.Ballots}
	}
	return v
}

func (v *statusView) print(p *printer) {
	in := v.in
	p.line("%s", p.paint(bold, v.TrainingSet)+": version "+strconv.FormatUint(v.Version, 10)+", "+plural(v.Rows, "row", "")+", "+v.Status)
	if v.ForkedFrom != "" {
		p.line("fork    of %s, version %d", v.ForkedFrom, in.set.ForkedVersion)
	}
	if v.Period == nil {
		p.line("group   none: nobody votes on this set, and nothing changes it")
		return
	}
	v.Period.print(p, in.now)
	p.line("  at the check validators apply the %s with quorum; at the end the most voted one that applies becomes version %d",
		plural(in.params.CheckedProposals, "most voted patch", "most voted patches"), v.Version+1)
	p.line("quorum  %s", v.Period.Quorum)
	if v.Keep != nil {
		v.Keep.print(p)
	}
	if in.voter != nil {
		for _, w := range voteWords(in.voter, in.period, in.now) {
			p.line("%s", w)
		}
	}
	p.line("")
	if len(v.Open) == 0 {
		p.line("no patch is open")
	} else {
		rows := make([][]string, len(v.Open))
		header := []string{">OPEN", "ROWS", ">SUPPORT", ">SHARE", "VOTE", "STATUS", "SUMMARY"}
		for i, s := range v.Open {
			if rows[i] = s.row(v.Version); in.voter == nil {
				rows[i] = slices.Delete(rows[i], 4, 5)
			}
		}
		if in.voter == nil {
			header = slices.Delete(header, 4, 5)
		}
		p.table(header, rows)
	}
	if len(v.Decided) == 0 {
		return
	}
	p.line("")
	rows := make([][]string, len(v.Decided))
	for i, d := range v.Decided {
		rows[i] = []string{strconv.FormatUint(d.Proposal, 10), d.Status, plain(d.Note), plain(d.Summary)}
	}
	p.table([]string{">DECIDED", "STATUS", "WHY", "SUMMARY"}, rows)
}

// print says where the period is.
func (v *periodView) print(p *printer, now time.Time) {
	p.line("group   %s, voting period %d of %s, opened %s", v.period.Group, v.Number, showSeconds(uint64(max(v.Seconds, 0))), showTime(v.period.OpenedUnixMs/1_000))
	if v.NextSeconds != uint64(v.Seconds) {
		p.line("        later periods take %s", showSeconds(v.NextSeconds))
	}
	if v.period.Phase == votingtypes.PERIOD_PHASE_CHECK {
		p.line("check   runs since %s", showTime(v.checkUnix))
	} else {
		p.line("check   %s (%s)", showWhen(v.checkUnix, now), showTime(v.checkUnix))
	}
	ends := showWhen(v.period.EndsUnix, now)
	if v.period.EndsUnix <= now.Unix() {
		ends = "due since " + showSpan(now.Sub(time.Unix(v.period.EndsUnix, 0))) + ": it waits for the check, or for a block"
	}
	p.line("end     %s (%s)", ends, showTime(v.period.EndsUnix))
}
