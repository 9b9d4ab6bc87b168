package simulation_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"

	"github.com/pold-network/pold/testutil/simulation"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

func long() bool { return os.Getenv("POLD_LONG") != "" }

// TestTheWholeChainUnderRandomBehaviour checks all invariants after each block, that state survives export and import, and that every
// block gives the same app hash again. What it claims to try has to have happened, or it fails.
func TestTheWholeChainUnderRandomBehaviour(t *testing.T) {
	seeds, blocks := uint64(3), 160
	if long() {
		seeds, blocks = 50, 200
	}
	seen := map[string]int{}
	var refused, accepted int
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			s := simulation.New(t, simulation.Config{Seed: seed})
			s.Run(blocks)
			require.Empty(t, s.Failures, "work that the chain could not do")
			for _, name := range s.Groups() {
				g, err := s.App.PolKeeper.Groups.Get(s.Ctx(), name)
				require.NoError(t, err)
				require.Greater(t, g.Round, uint64(1), "%s: expected a settled round: %s", name, g.Note)
				r, err := s.App.PolKeeper.Rounds.Get(s.Ctx(), collections.Join(name, g.Round))
				require.NoError(t, err)
				require.Less(t, s.Height()-r.OpenedHeight, int64(150), "%s: round %d is stuck in %s: %s", name, r.Number, r.Phase, r.Note)
			}
			s.Finish()
			for name, n := range s.Seen {
				seen[name] += n
			}
			refused, accepted = refused+s.Refused, accepted+s.Accepted
		})
	}
	var names []string
	for name, n := range seen {
		names = append(names, fmt.Sprintf("%s: %d", name, n))
	}
	slices.Sort(names)
	for _, line := range names {
		t.Log(line)
	}
	t.Log("messages accepted:", accepted, "refused:", refused)
	require.Positive(t, refused)
	require.Greater(t, accepted, 3*refused)
	expected := happens
	if long() {
		expected = append(expected, seldom...)
	}
	for _, name := range expected {
		require.Positive(t, seen[name], "%s never happened: the simulation does not try it any more", name)
	}
}

// happens is what the seeds of the short test have to show.
var happens = []string{
	"proposal rejected", "vote dropped", "EventRoundSettled won",
	"EventGroupCreated", "EventBonded", "EventUnbonding", "EventBurned", "EventCoinbase", "EventConduct",
	"EventPhase " + poltypes.ROUND_PHASE_DRAW.String(), "EventPhase " + poltypes.ROUND_PHASE_KEY.String(), "EventPhase " + poltypes.ROUND_PHASE_AUDIT.String(),
	"EventSubmissionJudged " + poltypes.SUBMISSION_STATUS_WITHHELD.String(),
	"EventSubmissionJudged " + poltypes.SUBMISSION_STATUS_VALID.String(),
	"EventSubmissionJudged " + poltypes.SUBMISSION_STATUS_INVALID.String(),
	"EventSubmissionJudged " + poltypes.SUBMISSION_STATUS_FALSE_CLAIM.String(),
	"EventSubmissionJudged " + poltypes.SUBMISSION_STATUS_PROVED.String(),
	"EventTaskSettled data-delta", "EventTaskSettled score", "EventTaskSettled audit", "EventTaskSettled spot", "EventTaskSettled store",
	"EventStoreTask " + poltypes.STORE_FILE_TABLE.String(), "EventStoreTask " + poltypes.STORE_FILE_CHECKPOINT.String(),
	"EventStoreTask " + poltypes.STORE_FILE_TRANSCRIPT.String(),
	"EventSpot false",
	"EventFault FAULT_KIND_WRONG_ANSWER", "EventFault FAULT_KIND_BEACON",
	"EventFault FAULT_KIND_NOT_REVEALED", "EventFault FAULT_KIND_WITHHELD", "EventFault FAULT_KIND_FALSE_CLAIM",
	"EventPenalty PENALTY_STATUS_QUEUED", "EventPenalty PENALTY_STATUS_EXECUTED",
	"EventPenalty PENALTY_KIND_SLASH", "EventPenalty PENALTY_KIND_SLASH_AND_JAIL",
	"EventReputation",
	"EventProposed", "EventVoted", "EventPeriodOpened", "EventDeltaApplied", "EventDeposit",
	"EventProposalStatus " + trainingsettypes.PROPOSAL_STATUS_APPLICABLE.String(), "EventProposalStatus " + trainingsettypes.PROPOSAL_STATUS_APPLIED.String(),
	"EventProposalStatus " + trainingsettypes.PROPOSAL_STATUS_STALE.String(), "EventProposalStatus " + trainingsettypes.PROPOSAL_STATUS_EXPIRED.String(),
	"EventGroupChange " + poltypes.GROUP_CHANGE_STATUS_ADOPTED.String(), "EventGroupChange " + poltypes.GROUP_CHANGE_STATUS_ACTIVE.String(),
	"EventGroupForked",
}

// seldom is what many seeds have to show besides.
var seldom = []string{
	"EventFault FAULT_KIND_UNPROVED", "EventSubmissionJudged " + poltypes.SUBMISSION_STATUS_UNPROVED.String(), "EventChallenged",
	"EventSubmissionJudged " + poltypes.SUBMISSION_STATUS_DUPLICATE.String(),
	poltypes.CANARY_STATUS_CONFIRMED.String(), poltypes.CANARY_STATUS_LAPSED.String(), "block with held losses",
	"EventFault FAULT_KIND_NOT_HELD", "EventFault FAULT_KIND_SEALED_KEY", "EventFault FAULT_KIND_WRONG_PERSONAL", "EventSpot true",
	"EventPenalty PENALTY_STATUS_CANCELLED", "day with several penalties",
	"EventProposalStatus " + trainingsettypes.PROPOSAL_STATUS_WITHHELD.String(), "EventProposalStatus " + trainingsettypes.PROPOSAL_STATUS_INVALID.String(),
	"EventProposalStatus " + trainingsettypes.PROPOSAL_STATUS_WITHDRAWN.String(), "EventGroupChange " + poltypes.GROUP_CHANGE_STATUS_EXPIRED.String(),
}
