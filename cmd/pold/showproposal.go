package main

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"cosmossdk.io/math"

	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// proposalView is a proposal with what its patch does and how the vote stands.
type proposalView struct {
	Proposal    uint64 `json:"proposal"`
	TrainingSet string `json:"training_set"`
	Summary     string `json:"summary"`
	Licence     string `json:"licence,omitempty"`
	Takedown    bool   `json:"takedown"`
	Proposer    string `json:"proposer"`
	Opened      string `json:"opened"`
	ForVersion  uint64 `json:"for_version"`
	Status      string `json:"status"`
	Note        string `json:"note,omitempty"`
	Held        bool   `json:"held_by_validators"`
	DepositUnrn string `json:"deposit_unrn"`
	// Due is when it expires, or is forgotten once it is decided.
	Due    string     `json:"due"`
	CID    string     `json:"cid"`
	SHA256 string     `json:"sha256"`
	Size   uint64     `json:"size"`
	Vote   *voteView  `json:"vote,omitempty"`
	Patch  *patchView `json:"patch,omitempty"`
	// Applies says in words whether it applies to the current table; empty when that is not known or no question any more.
	Applies string `json:"applies,omitempty"`
	// Problem says why the patch could not be looked at.
	Problem string `json:"problem,omitempty"`

	deposit             math.Int
	openedUnix, dueUnix int64
	open                bool
	now                 time.Time
}

// voteView is how the vote about something stands.
type voteView struct {
	Ballot       uint64 `json:"ballot"`
	Voters       uint64 `json:"voters"`
	StandingUnrn string `json:"standing_unrn"`
	OfUnrn       string `json:"of_standing_unrn"`
	BondedUnrn   string `json:"bonded_unrn"`
	Share        string `json:"share"`
	Period       uint64 `json:"period"`
	Checked      string `json:"checked"`
	Ends         string `json:"ends"`

	standing, of, bonded math.Int
	checkUnix, endsUnix  int64
}

func newVoteView(b votingtypes.Ballot, period votingtypes.Period, params votingtypes.Params) *voteView {
	return &voteView{
		Ballot: b.Id, Voters: b.Votes, StandingUnrn: b.Tally.Standing.String(), OfUnrn: period.Tally.Standing.String(), BondedUnrn: b.Tally.Bonded.String(),
		Share: showShare(b.Tally.Standing, period.Tally.Standing), Period: period.Number,
		Checked: stamp(params.CheckUnix(period)), Ends: stamp(period.EndsUnix),
		standing: b.Tally.Standing, of: period.Tally.Standing, bonded: b.Tally.Bonded,
		checkUnix: params.CheckUnix(period), endsUnix: period.EndsUnix,
	}
}

func newProposalView(p trainingsettypes.Proposal, now time.Time) *proposalView {
	return &proposalView{
		Proposal: p.Id, TrainingSet: p.TrainingSet, Summary: p.Summary, Licence: p.Licence, Takedown: p.Takedown, Proposer: p.Proposer,
		Opened: stamp(p.OpenedUnix), ForVersion: p.OpenedVersion, Status: proposalStatus(p.Status), Note: p.Note, Held: p.Held, DepositUnrn: p.Deposit.String(),
		Due: stamp(p.DueUnix), CID: p.Delta.Cid, SHA256: hex.EncodeToString(p.Delta.Sha256), Size: p.Delta.Size_,
		deposit: p.Deposit, openedUnix: p.OpenedUnix, dueUnix: p.DueUnix, open: p.Status.Open(), now: now,
	}
}

func proposalStatus(s trainingsettypes.ProposalStatus) string {
	return statusWord(s.String(), "PROPOSAL_STATUS_")
}

func (v *proposalView) print(p *printer) {
	p.line("%s", p.paint(bold, "proposal "+strconv.FormatUint(v.Proposal, 10)+" of "+v.TrainingSet+": "+plain(v.Summary)))
	p.line("by          %s, %s (%s), for version %d", v.Proposer, showTime(v.openedUnix), showWhen(v.openedUnix, v.now), v.ForVersion)
	if v.Licence != "" {
		p.line("licence     %s (its proposer says so; nobody checks it)", plain(v.Licence))
	}
	if v.Takedown {
		p.line("takedown    when it is applied, nodes are asked to drop the tables and patches of all earlier versions and this patch")
		if v.open {
			p.line("            it needs more than half of the stake that stood since the period opened")
		}
	}
	status := v.Status
	if v.Note != "" {
		status += ": " + plain(v.Note)
	}
	p.line("status      %s", status)
	if v.open {
		p.line("deposit     %s, expires %s (%s)", showNRN(v.deposit), showWhen(v.dueUnix, v.now), showTime(v.dueUnix))
	}
	p.line("patch       %s, sha256 %s", showBytes(v.Size), v.SHA256)
	if v.Patch != nil {
		v.Patch.print(p)
	}
	if v.Applies != "" {
		p.line("applies     %s", plain(v.Applies))
	}
	if v.Problem != "" {
		p.line("problem     %s", plain(v.Problem))
	}
	if v.Vote != nil {
		v.Vote.print(p, v.now)
	}
}

func (v *voteView) print(p *printer, now time.Time) {
	p.line("votes       %s with %s: %s of %s that stood since the period opened", plural(v.Voters, "account", ""), showNRN(v.standing), v.Share, showNRN(v.of))
	if later := v.bonded.Sub(v.standing); later.IsPositive() {
		p.line("            %s more of them counts from the next period on", showNRN(later))
	}
	if v.checkUnix > now.Unix() {
		p.line("check       %s (%s)", showWhen(v.checkUnix, now), showTime(v.checkUnix))
	}
	p.line("end         %s (%s) of period %d", showWhen(v.endsUnix, now), showTime(v.endsUnix), v.Period)
}

// rowsChanged is what a delta does to the number of rows: +12 -3.
func rowsChanged(d trainingsettypes.Delta) string {
	return strings.Join([]string{"+" + thousands(d.RowsAdded), "-" + thousands(d.RowsRemoved)}, " ")
}
