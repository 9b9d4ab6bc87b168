package types

import (
	"fmt"
	"strings"
	"time"

	"cosmossdk.io/math"
)

// Explain says in words what happened, what it cost, how to check it, and how to appeal. The authority is the account
// that can cancel penalties.
func (e Evidence) Explain(penalties []Penalty, authority string, now int64) string {
	lines := []string{
		fmt.Sprintf("What happened: %s %s (block %d, %s).", e.Address, e.what(), e.Height, clock(e.Unix)),
		"What it cost: " + e.cost(penalties, now),
		"How to check it: " + e.check(),
	}
	for _, p := range penalties {
		if p.Status == PENALTY_STATUS_QUEUED {
			lines = append(lines, p.appeal(authority))
		}
	}
	return strings.Join(lines, "\n")
}

func (e Evidence) what() string {
	round := fmt.Sprintf("in round %d of group %s", e.Round, e.Group)
	var what string
	switch e.Kind {
	case FAULT_KIND_WRONG_ANSWER:
		what = fmt.Sprintf("committed to a wrong answer of task %d (%s): more than two thirds of power settled on another", e.TaskId, e.TaskKind)
	case FAULT_KIND_WRONG_PERSONAL:
		what = fmt.Sprintf("committed to a wrong personal value: task %d (%s) computed another, so it voted without having computed", e.TaskId, e.TaskKind)
	case FAULT_KIND_MISSED_TASKS:
		what = "said nothing about too many settled tasks although its sidecar was live"
	case FAULT_KIND_NOT_HELD:
		what = "was live and did not hold a file that more than two thirds of power held"
	case FAULT_KIND_UNPROVED:
		what = "did not prove its training " + round
	case FAULT_KIND_NOT_REVEALED:
		what = "committed a checkpoint and did not reveal it " + round
	case FAULT_KIND_WITHHELD:
		what = "revealed a checkpoint and withheld its file " + round
	case FAULT_KIND_FALSE_CLAIM:
		what = "submitted an invalid checkpoint, or claimed a loss that is not the exact one, " + round
	case FAULT_KIND_SEALED_KEY:
		what = "withheld the key of a sealed batch, or gave a false one, " + round
	case FAULT_KIND_BEACON:
		what = "committed to a secret of the beacon and did not reveal it"
	case FAULT_KIND_CONDUCT:
		what = "broke a rule of voting"
	default:
		what = fmt.Sprintf("made a fault of kind %d", e.Kind)
	}
	if e.Note != "" {
		what += ": " + e.Note
	}
	return what
}

func (e Evidence) cost(penalties []Penalty, now int64) string {
	if e.Kind.OfRound() {
		return fmt.Sprintf("%s unrn of its bond in that round, at once, and reputation; no stake.", e.Lost)
	}
	if len(penalties) == 0 {
		return "reputation; no stake and no jail."
	}
	costs := make([]string, len(penalties))
	for i, p := range penalties {
		costs[i] = p.describe(now)
	}
	return "reputation, and " + strings.Join(costs, "; ") + "."
}

func (e Evidence) check() string {
	switch {
	case e.Kind.OfTask():
		return fmt.Sprintf("`trainerd verify-evidence %d` computes the answer from the inputs that are stored here, with no node to trust, "+
			"and compares it with what %s had committed to.", e.Id, e.Address)
	case e.Kind == FAULT_KIND_UNPROVED:
		return fmt.Sprintf("`trainerd replay --group %s --round %d --trainer %s` trains the segments again and names the first wrong step.", e.Group, e.Round, e.Address)
	case e.Kind.OfRound():
		return fmt.Sprintf("`pold q pol round %s %d` and `pold q pol submissions %s %d` show what was committed, revealed and attested.",
			e.Group, e.Round, e.Group, e.Round)
	case e.Kind == FAULT_KIND_MISSED_TASKS:
		return fmt.Sprintf("`pold q polslashing record %s` shows what it has missed since; `pold q attestation witnesses TASK` who answered a task.", e.Address)
	default:
		return fmt.Sprintf("the votes of block %d carry it; `pold q attestation` shows tasks, files and live validators.", e.Height)
	}
}

// describe says what the penalty does and what became of it.
func (p Penalty) describe(now int64) string {
	var does string
	share := math.LegacyNewDecWithPrec(int64(p.SlashE6), 4).String()
	share = strings.TrimRight(strings.TrimRight(share, "0"), ".") + " % of its stake"
	switch p.Kind {
	case PENALTY_KIND_SLASH:
		does = share
	case PENALTY_KIND_JAIL:
		does = "jail"
	case PENALTY_KIND_SLASH_AND_JAIL:
		does = share + " and jail"
	default:
		does = "nothing more"
	}
	does = fmt.Sprintf("%s (penalty %d", does, p.Id)
	switch p.Status {
	case PENALTY_STATUS_QUEUED:
		if p.DueUnix > now {
			does += ", to be carried out after " + clock(p.DueUnix)
		} else {
			does += ", due, waiting for its turn within what may be jailed or slashed in a day"
		}
	case PENALTY_STATUS_EXECUTED:
		does += fmt.Sprintf(", carried out %s, %s unrn burned", clock(p.FinishedUnix), p.Burned)
	case PENALTY_STATUS_CANCELLED:
		does += ", cancelled by governance " + clock(p.FinishedUnix)
	case PENALTY_STATUS_VOID:
		does += ", void " + clock(p.FinishedUnix)
	}
	if p.Note != "" {
		does += ": " + p.Note
	}
	return does + ")"
}

func (p Penalty) appeal(authority string) string {
	return fmt.Sprintf("How to appeal: until it is carried out, governance can cancel it. Put this into the messages of a proposal "+
		"(`pold tx gov draft-proposal` writes the rest, `pold tx gov submit-proposal FILE` proposes it): "+
		`{"@type":"/pold.slashing.v1.MsgCancelPenalty","authority":"%s","penalty_id":"%d","reason":"what went wrong"}`, authority, p.Id)
}

func clock(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }
