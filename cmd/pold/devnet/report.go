package devnet

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
)

// Event is one thing that happened; with --json each is printed as one line.
type Event struct {
	Event              string     `json:"event"`
	Name               string     `json:"name,omitempty"`
	Group              string     `json:"group,omitempty"`
	Round              uint64     `json:"round,omitempty"`
	Height             int64      `json:"height,omitempty"`
	Phase              string     `json:"phase,omitempty"`
	Trainer            string     `json:"trainer,omitempty"`
	Status             string     `json:"status,omitempty"`
	Winner             string     `json:"winner,omitempty"`
	LossE9             *uint64    `json:"loss_e9,omitempty"`
	ClaimedLossE9      *uint64    `json:"claimed_loss_e9,omitempty"`
	ParentLossE9       *uint64    `json:"parent_loss_e9,omitempty"`
	MetricE9           *uint64    `json:"metric_e9,omitempty"`
	RewardUnrn         string     `json:"reward_unrn,omitempty"`
	VerifierRewardUnrn string     `json:"verifier_reward_unrn,omitempty"`
	SupplyUnrn         string     `json:"supply_unrn,omitempty"`
	Count              int        `json:"count,omitempty"`
	Seconds            float64    `json:"seconds,omitempty"`
	Note               string     `json:"note,omitempty"`
	Accounts           []Account  `json:"accounts,omitempty"`
	Resources          *Resources `json:"resources,omitempty"`
}

// reporter prints events, as lines for people or as JSON for scripts.
type reporter struct {
	mu    sync.Mutex
	out   io.Writer
	json  bool
	names map[string]string // account name by address
	// tips returns the next things to try, which are shown once after the first won round; nil afterwards.
	tips func(round uint64) string
}

func newReporter(out io.Writer, asJSON bool, list []Account, tips func(round uint64) string) *reporter {
	names := make(map[string]string, len(list))
	for _, a := range list {
		names[a.Address] = a.Name
		if account, err := sdk.AccAddressFromBech32(a.Address); err == nil {
			names[sdk.ValAddress(account).String()] = a.Name // a validator is known by its operator's address
		}
	}
	return &reporter{out: out, json: asJSON, names: names, tips: tips}
}

func (r *reporter) report(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.json {
		b, err := json.Marshal(e)
		if err == nil {
			fmt.Fprintln(r.out, string(b))
		}
		return
	}
	r.print(e)
}

func (r *reporter) name(address string) string {
	if n, ok := r.names[address]; ok {
		return n
	}
	return address
}

func (r *reporter) print(e Event) {
	switch e.Event {
	case "first_block":
		fmt.Fprintf(r.out, "✔ block %d (%.1f s)\n", e.Height, e.Seconds)
	case "sidecars_ready":
		fmt.Fprintf(r.out, "✔ %d sidecars ready (%.1f s)\n", e.Count, e.Seconds)
	case "training_set_verified":
		fmt.Fprintf(r.out, "✔ data set %s verified by the validators: %d rows (%.1f s)\n", e.Name, e.Count, e.Seconds)
	case "training_set_rejected":
		fmt.Fprintf(r.out, "✘ data set %s rejected: %s\n", e.Name, e.Note)
	case "proposal":
		fmt.Fprintf(r.out, "  proposal %d by %s: %s%s  (pold data show %d)\n", e.Count, r.name(e.Name), e.Status, after(": ", e.Note), e.Count)
	case "training_set_changed":
		fmt.Fprintf(r.out, "✔ data set %s is at version %d: %s, proposer %s paid %s NRN\n", e.Group, e.Count, e.Note, r.name(e.Name), coins(e.RewardUnrn))
	case "group_change":
		fmt.Fprintf(r.out, "  change %d of group %s: %s%s  (pold group changes %s)\n", e.Count, e.Group, e.Status, after(": ", e.Note), e.Group)
	case "round_opened":
		fmt.Fprintf(r.out, "\nround %d of %s is open (height %d): trainers train and commit\n", e.Round, e.Group, e.Height)
	case "round_phase":
		fmt.Fprintf(r.out, "  %s: %s\n", e.Phase, e.Note)
	case "submission":
		loss := "–"
		if e.LossE9 != nil {
			loss = e9(*e.LossE9)
		}
		line := fmt.Sprintf("  %-8s loss %s  %s", r.name(e.Trainer), loss, e.Status)
		if e.Note != "" {
			line += ": " + e.Note
		}
		fmt.Fprintln(r.out, line)
	case "round_settled":
		r.printSettled(e)
	case "store_task":
		fmt.Fprintf(r.out, "  store task of the %s %s: %s  (pold q attestation task %d)\n", e.Name, e.Status, e.Note, e.Count)
	case "fault":
		fmt.Fprintf(r.out, "✘ fault of %s: %s  (pold q polslashing evidence %d)\n", r.name(e.Name), e.Note, e.Count)
	case "penalty":
		fmt.Fprintf(r.out, "✘ penalty of %s: %s %s  (pold q polslashing evidence %d)\n", r.name(e.Name), e.Status, e.Note, e.Count)
	case "resources":
		fmt.Fprintf(r.out, "\n%s\n", e.Note)
	case "process_exited":
		fmt.Fprintf(r.out, "! %s stopped: %s\n", e.Name, e.Note)
	case "process_failed":
		fmt.Fprintf(r.out, "! %s could not start: %s\n", e.Name, e.Note)
	default:
		fmt.Fprintf(r.out, "  %s %s\n", e.Event, e.Note)
	}
}

func (r *reporter) printSettled(e Event) {
	if e.Winner == "" {
		fmt.Fprintf(r.out, "  round %d had no winner: %s\n", e.Round, e.Note)
		return
	}
	fmt.Fprintf(r.out, "✔ round %d: %s wins with loss %s (was %s), accuracy %.1f %%, reward %s NRN, supply %s NRN (%.1f s)\n",
		e.Round, r.name(e.Winner), e9(*e.LossE9), e9(valueOr(e.ParentLossE9)), float64(*e.MetricE9)/1e7, coins(e.RewardUnrn), coins(e.SupplyUnrn), e.Seconds)
	if r.tips != nil {
		fmt.Fprint(r.out, r.tips(e.Round))
		r.tips = nil
	}
}

// after puts a text behind a separator, if there is one.
func after(separator, text string) string {
	if text == "" {
		return ""
	}
	return separator + text
}

// valueOr returns 0 for a missing figure.
func valueOr(v *uint64) uint64 {
	if v == nil {
		return 0
	}
	return *v
}

// e9 prints billionths as a decimal with six places.
func e9(v uint64) string { return fmt.Sprintf("%d.%06d", v/1_000_000_000, v%1_000_000_000/1_000) }

// coins prints unrn as NRN with six places.
func coins(unrn string) string {
	v, ok := math.NewIntFromString(unrn)
	if !ok {
		return unrn
	}
	return fmt.Sprintf("%s.%06d", v.QuoRaw(nrn), v.ModRaw(nrn).Int64())
}

// faultName says what a fault is about.
func faultName(e polslashingtypes.Evidence) string {
	what := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(e.Kind.String(), "FAULT_KIND_")), "_", " ")
	if e.Kind.OfTask() {
		what += fmt.Sprintf(" of task %d (%s)", e.TaskId, e.TaskKind)
	}
	if e.Note != "" {
		what += ": " + e.Note
	}
	return what
}

// penaltyName says what a penalty does and where it stands.
func penaltyName(p polslashingtypes.Penalty) string {
	kind := strings.ToLower(strings.TrimPrefix(p.Kind.String(), "PENALTY_KIND_"))
	status := strings.ToLower(strings.TrimPrefix(p.Status.String(), "PENALTY_STATUS_"))
	return strings.ReplaceAll(kind, "_", " ") + " " + status
}

func phaseName(p poltypes.RoundPhase) string {
	return strings.ToLower(strings.TrimPrefix(p.String(), "ROUND_PHASE_"))
}

func statusName(s poltypes.SubmissionStatus) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(s.String(), "SUBMISSION_STATUS_")), "_", " ")
}
