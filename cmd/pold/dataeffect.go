package main

import (
	"context"
	"sort"

	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/types/query"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

// effectRounds is how many rounds with a new table are looked at.
const effectRounds = 5

func dataEffectCommand() *cobra.Command {
	var groupName string
	cmd := &cobra.Command{
		Use:   "effect SET [VERSION]",
		Short: "See what a version of a training set did to the loss of the model",
		Long: `See what a version of a training set did to the model of a group: the loss and the metric after the last round with the table before,
those of the same checkpoint scored again on the new table, and the best after one round and after up to five rounds with it.

The rows that a loss is of depend on the group; the command says which. When they changed with the table, the second figure shows
what the change of the table alone did; what follows is training.

` + exitHelp,
		Example: `  pold data effect digits
  pold data effect digits 3
  pold data effect digits 3 --group other-digits -o json`,
		Args: between(1, 2, "a training set and perhaps a version"),
	}
	cmd.Flags().StringVar(&groupName, "group", "", "group whose model is looked at (default: the one that governs the set)")
	return readCommand(cmd, false, func(ctx context.Context, r *reader, args []string) error {
		set, err := r.node.set(ctx, args[0])
		if err != nil {
			return err
		}
		version := set.Version
		if len(args) == 2 {
			if version, err = parseNumber("VERSION", args[1]); err != nil {
				return err
			}
		}
		if version > set.Version {
			return noVersion(set.Name, version, set.Version)
		}
		name := groupName
		if name == "" {
			name = set.Group
		}
		if name == "" {
			return usage("no group governs %s; name one that learns from it with --group: pold q pol groups", set.Name)
		}
		v, err := r.effect(ctx, set.Name, version, name)
		if err != nil {
			return err
		}
		if err := r.p.show(v); err != nil {
			return err
		}
		r.p.next("pold data history %s", set.Name)
		return nil
	})
}

// effect collects the rounds around the first one with a version.
func (r *reader) effect(ctx context.Context, set string, version uint64, name string) (*effectView, error) {
	g, err := r.node.group(ctx, name)
	if err != nil {
		return nil, err
	}
	if g.Settings.TrainingSet != set {
		return nil, usage("group %s learns from %s, not from %s", name, g.Settings.TrainingSet, set)
	}
	rounds := roundsOf{ctx: ctx, ask: r.node.groups, group: name, newest: g.Round}
	if err := rounds.findOldest(); err != nil {
		return nil, err
	}
	first, err := rounds.firstWith(version)
	if err != nil {
		return nil, err
	}
	in := effectInput{set: set, version: version, group: g}
	if in.before, err = rounds.lastSettledBefore(first); err != nil {
		return nil, err
	}
	if in.after, err = rounds.scoredFrom(first, version); err != nil {
		return nil, err
	}
	return newEffectView(in), nil
}

// roundsOf reads the rounds of a group that are still kept.
type roundsOf struct {
	ctx            context.Context
	ask            poltypes.QueryClient
	group          string
	oldest, newest uint64
}

func (r *roundsOf) get(number uint64) (poltypes.Round, error) {
	x, err := r.ask.Round(r.ctx, &poltypes.QueryRoundRequest{Group: r.group, Number: number})
	if err != nil {
		return poltypes.Round{}, err
	}
	return x.Round, nil
}

// findOldest asks which is the first round that is kept.
func (r *roundsOf) findOldest() error {
	x, err := r.ask.Rounds(r.ctx, &poltypes.QueryRoundsRequest{Group: r.group, Pagination: &query.PageRequest{Limit: 1}})
	if err != nil {
		return err
	}
	if len(x.Rounds) == 0 {
		return fail(exitNotFound, "group %s has had no round yet, so there is no loss to compare", r.group)
	}
	r.oldest = x.Rounds[0].Number
	return nil
}

// firstWith returns the first round with at least a version of the table, 0 if there is none yet. Versions only grow from round to
// round, so it takes few questions.
func (r *roundsOf) firstWith(version uint64) (uint64, error) {
	var failed error
	n := sort.Search(int(r.newest-r.oldest+1), func(i int) bool {
		x, err := r.get(r.oldest + uint64(i))
		if err != nil {
			failed = err
		}
		return err != nil || x.TrainingSetVersion >= version
	})
	if failed != nil {
		return 0, failed
	}
	if first := r.oldest + uint64(n); first <= r.newest {
		return first, nil
	}
	return 0, nil
}

// lastSettledBefore returns the last settled round before one, or the last at all for 0; nil if none is kept.
func (r *roundsOf) lastSettledBefore(first uint64) (*poltypes.Round, error) {
	n := r.newest
	if first != 0 {
		n = first - 1
	}
	for ; n >= max(r.oldest, 1); n-- {
		x, err := r.get(n)
		if err != nil {
			return nil, err
		}
		if scored(x) {
			return &x, nil
		}
	}
	return nil, nil
}

// maxEffectRounds bounds how many rounds are looked at for those in which something was scored.
const maxEffectRounds = 200

// scoredFrom returns the first settled rounds with a version in which something was scored.
func (r *roundsOf) scoredFrom(first, version uint64) ([]poltypes.Round, error) {
	var found []poltypes.Round
	for n := first; n != 0 && n <= r.newest && n < first+maxEffectRounds && len(found) < effectRounds; n++ {
		x, err := r.get(n)
		if err != nil {
			return nil, err
		}
		if x.TrainingSetVersion != version {
			break
		}
		if scored(x) {
			found = append(found, x)
		}
	}
	return found, nil
}

// scored reports whether a settled round has a figure: the score of its parent, as a rule also that of a winner.
func scored(r poltypes.Round) bool {
	return r.Phase == poltypes.ROUND_PHASE_SETTLED && (r.Winner != "" || r.ParentVerdict != nil && r.ParentVerdict.Problem == "")
}
