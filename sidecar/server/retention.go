package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"cosmossdk.io/collections"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/atomicfile"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	retentionInterval = 30 * time.Second
	// maxSweeps bounds the rounds of one group that are looked at in one pass.
	maxSweeps = 64
	// localRead bounds the reading of a file that is on disk unless it was removed before.
	localRead = time.Second
)

// RetentionChain is what retention asks the node.
type RetentionChain interface {
	Groups(ctx context.Context) ([]poltypes.Group, error)
	Round(ctx context.Context, group string, number uint64) (poltypes.Round, error)
	Submissions(ctx context.Context, group string, round uint64) ([]poltypes.Submission, error)
	TrainingSets(ctx context.Context) ([]trainingsettypes.TrainingSet, error)
	Revisions(ctx context.Context, set string) ([]trainingsettypes.Revision, error)
}

// Retention removes checkpoints that lost more than some rounds ago, with their transcripts, the training states that audits have looked
// at, proposed tables that were not adopted, and what the stakeholders of a training set have taken down, if no other set keeps it: nobody
// decides about the files of others. Other tables, winners and the
// transcripts of winners are kept: anybody may want to recompute a verdict or go on from a checkpoint. So are the values of tables. A
// submission can name any CID, even that of another group's winner or of a value, so every winner is noted before anything is removed, what
// reads like a value stays, and a loser stays while any round of any group that was not swept names it.
type Retention struct {
	chain   RetentionChain
	store   Store
	results *Results
	path    string
	keep    uint64
	log     *slog.Logger
	state   retentionState
}

// retentionState is what a restart has to know.
type retentionState struct {
	// Noted is, for each group, the last round whose winner is in Winners.
	Noted map[string]uint64 `json:"noted"`
	// Swept is, for each group, the last round whose losers were removed.
	Swept map[string]uint64 `json:"swept"`
	// Winners are the CIDs of checkpoints that won or that a lineage started from.
	Winners []string `json:"winners"`
	// Looked is, for each training set, the last version whose takedowns were carried out; Tables are the CIDs of the tables and deltas
	// of its versions that stay.
	Looked map[string]uint64   `json:"looked"`
	Tables map[string][]string `json:"tables"`
}

// OpenRetention reads the state at path, or starts with none. Losing checkpoints are kept for keep rounds.
func OpenRetention(chain RetentionChain, store Store, results *Results, path string, keep uint64, log *slog.Logger) (*Retention, error) {
	r := &Retention{chain: chain, store: store, results: results, path: path, keep: keep, log: log}
	r.state.Noted, r.state.Swept = map[string]uint64{}, map[string]uint64{}
	r.state.Looked, r.state.Tables = map[string]uint64{}, map[string][]string{}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &r.state)
	}
	if err != nil {
		return nil, fmt.Errorf("retention state %s: %w; delete the file to start afresh: old checkpoints then stay on disk", path, err)
	}
	if r.state.Noted == nil || r.state.Swept == nil || r.state.Looked == nil || r.state.Tables == nil {
		return nil, fmt.Errorf("retention state %s: incomplete; delete the file to start afresh: old checkpoints then stay on disk", path)
	}
	return r, nil
}

// Run works until the context ends.
func (r *Retention) Run(ctx context.Context) error {
	tick := time.NewTicker(retentionInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if removed, err := r.Sweep(ctx); err != nil {
			r.log.Debug("old files not removed yet", "error", err)
		} else if removed > 0 {
			r.log.Info("removed files that nobody needs any more", "count", removed)
		}
	}
}

// Sweep removes what may go now and returns how many objects that were. An error leaves the rest for the next time.
func (r *Retention) Sweep(ctx context.Context) (removed int, err error) {
	groups, err := r.chain.Groups(ctx)
	if err != nil {
		return 0, err
	}
	complete, err := r.noteWinners(ctx, groups)
	defer func() {
		if saveErr := r.save(); err == nil {
			err = saveErr
		}
	}()
	if err != nil || !complete {
		return 0, err
	}
	sets, err := r.chain.TrainingSets(ctx)
	if err != nil {
		return 0, err
	}
	protected := r.protected(groups, sets)
	if removed, err = r.sweepTables(ctx, groups, sets, protected); err != nil {
		return removed, err
	}
	// A submission may name the CID of anything.
	for _, x := range r.results.all() {
		protected[x.CID] = true
	}
	count, err := r.sweepRounds(ctx, groups, protected)
	return removed + count, err
}

// sweepRounds removes the losers of rounds that are no longer kept.
func (r *Retention) sweepRounds(ctx context.Context, groups []poltypes.Group, protected map[string]bool) (removed int, err error) {
	var uses map[string]int
	for _, g := range groups {
		if g.Round <= r.keep {
			continue
		}
		last := g.Round - r.keep - 1 // the newest round that may go
		for n := 0; r.state.Swept[g.Name] < last && n < maxSweeps; n++ {
			if uses == nil {
				if uses, err = r.uses(ctx, groups); err != nil {
					return removed, err
				}
			}
			count, err := r.sweepRound(ctx, g.Name, r.state.Swept[g.Name]+1, protected, uses)
			removed += count
			if err != nil {
				return removed, err
			}
			r.state.Swept[g.Name]++
		}
	}
	return removed, nil
}

// noteWinners looks at every round that has ended since the last time, once. It reports whether it got to the end.
func (r *Retention) noteWinners(ctx context.Context, groups []poltypes.Group) (bool, error) {
	complete := true
	for _, g := range groups {
		r.noteCarried(g.Carried)
		for n := 0; r.state.Noted[g.Name]+1 < g.Round; n++ {
			if n == maxSweeps {
				complete = false
				break
			}
			number := r.state.Noted[g.Name] + 1
			round, err := r.chain.Round(ctx, g.Name, number)
			switch {
			case errors.Is(err, collections.ErrNotFound): // past the chain's own retention
			case err != nil:
				return false, err
			default:
				if round.Winner != "" {
					r.noteCheckpoint(round.Checkpoint.Cid)
				}
				r.noteCarried(round.Carried)
			}
			r.state.Noted[g.Name] = number
		}
	}
	return complete, nil
}

func (r *Retention) noteCheckpoint(cid string) {
	if !slices.Contains(r.state.Winners, cid) {
		r.state.Winners = append(r.state.Winners, cid)
	}
}

func (r *Retention) noteCarried(c *poltypes.CarriedWeights) {
	if c != nil {
		r.noteCheckpoint(c.Checkpoint.Cid)
	}
}

// protected lists the CIDs that must stay: checkpoints that somebody may go on from, for ever, and the tables that sets have now.
func (r *Retention) protected(groups []poltypes.Group, sets []trainingsettypes.TrainingSet) map[string]bool {
	keep := map[string]bool{}
	for _, cid := range r.state.Winners {
		keep[cid] = true
	}
	for _, s := range sets {
		keep[s.Table.Cid] = true
	}
	for _, g := range groups {
		keep[g.Parent.Cid] = true
	}
	return keep
}

// uses counts the submissions of each CID in the rounds of all groups that are not swept yet, the current ones included.
func (r *Retention) uses(ctx context.Context, groups []poltypes.Group) (map[string]int, error) {
	uses := map[string]int{}
	for _, g := range groups {
		for number := r.state.Swept[g.Name] + 1; number <= g.Round; number++ {
			submissions, err := r.submissions(ctx, g.Name, number)
			if err != nil {
				return nil, err
			}
			for _, s := range submissions {
				uses[s.CheckpointCid]++
			}
		}
	}
	return uses, nil
}

// submissions returns those of a round, none when the round is past the chain's own retention.
func (r *Retention) submissions(ctx context.Context, group string, number uint64) ([]poltypes.Submission, error) {
	submissions, err := r.chain.Submissions(ctx, group, number)
	if errors.Is(err, collections.ErrNotFound) {
		return nil, nil
	}
	return submissions, err
}

// sweepRound removes the losers of one round that no other round uses, and takes the round out of uses.
func (r *Retention) sweepRound(ctx context.Context, group string, number uint64, protected map[string]bool, uses map[string]int) (int, error) {
	submissions, err := r.submissions(ctx, group, number)
	if err != nil {
		return 0, err
	}
	removed := 0
	remove := func(cid string) {
		if protected[cid] || uses[cid] > 0 || r.isValue(ctx, cid) {
			return
		}
		if err := r.store.Remove(cid); err != nil {
			r.log.Debug("nothing to remove", "cid", cid, "error", err)
			return
		}
		removed++
	}
	for _, s := range submissions {
		uses[s.CheckpointCid]--
		remove(s.CheckpointCid)
		if s.TranscriptCid == "" {
			continue
		}
		for _, cid := range r.states(ctx, s) {
			remove(cid)
		}
		if s.Status != poltypes.SUBMISSION_STATUS_WINNER {
			remove(s.TranscriptCid)
		}
	}
	return removed, nil
}

// states lists the files that a transcript names, none when it is not here any more.
func (r *Retention) states(ctx context.Context, s poltypes.Submission) []string {
	ctx, cancel := context.WithTimeout(ctx, localRead)
	defer cancel()
	b, err := r.store.Fetch(ctx, s.TranscriptCid, s.TranscriptSize, s.TranscriptRoot)
	if err != nil {
		return nil
	}
	t, err := engine.ParseTranscript(b)
	if err != nil {
		return nil
	}
	var files []string
	for _, l := range t.Leaves {
		files = append(files, l.StateCID, l.TraceCID)
	}
	return files
}

func (r *Retention) save() error {
	b, err := json.Marshal(r.state)
	if err != nil {
		return err
	}
	return atomicfile.Write(r.path, b, 0o600)
}
