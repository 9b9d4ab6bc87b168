package trainer

import "github.com/pold-network/pold/sidecar/training"

// Names of events.
const (
	EventRound     = "round"     // a round is open; training starts
	EventProgress  = "progress"  // training goes on
	EventTrained   = "trained"   // a candidate is ready
	EventSkipped   = "skipped"   // the candidate is not worth a bond
	EventCommitted = "committed" // the chain holds the commitment
	EventRevealed  = "revealed"  // the chain holds the reveal
	EventSettled   = "settled"   // the round is over
	EventMissed    = "missed"    // the round went on without us
	EventNote      = "note"      // something people want to know
)

// Event is one thing that happened. Fields that an event has nothing to say about are empty.
type Event struct {
	Event   string `json:"event"`
	Group   string `json:"group"`
	Round   uint64 `json:"round,omitempty"`
	Trainer string `json:"trainer,omitempty"`

	// LossE9 is the exact loss of our checkpoint; ParentLossE9 that of the parent.
	LossE9       *uint64 `json:"loss_e9,omitempty"`
	ParentLossE9 *uint64 `json:"parent_loss_e9,omitempty"`
	MetricE9     *uint64 `json:"metric_e9,omitempty"`

	// Steps belongs to round, Progress to progress.
	Steps    int                `json:"steps,omitempty"`
	Progress *training.Progress `json:"-"`

	CID    string `json:"checkpoint_cid,omitempty"`
	Tx     string `json:"tx,omitempty"`
	Height int64  `json:"height,omitempty"`

	// Status, Winner and RewardUnrn belong to settled; Won says that the winner is us.
	Status     string `json:"status,omitempty"`
	Winner     string `json:"winner,omitempty"`
	Won        bool   `json:"won,omitempty"`
	RewardUnrn string `json:"reward_unrn,omitempty"`

	Note string `json:"note,omitempty"`
}
