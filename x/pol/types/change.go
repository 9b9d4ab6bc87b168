package types

import (
	"fmt"

	"cosmossdk.io/math"

	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// MaxChangeSummary bounds what a proposed change of a group says about itself, in bytes.
const MaxChangeSummary = 280

// With returns the settings after a change.
func (s GroupSettings) With(c GroupChange) GroupSettings {
	if c.Model != nil {
		s.Model = *c.Model
	}
	if t := c.Times; t != nil {
		for _, f := range []struct {
			from uint64
			to   *uint64
		}{{t.CommitBlocks, &s.CommitBlocks}, {t.RevealBlocks, &s.RevealBlocks}, {t.NominalSeconds, &s.NominalSeconds}} {
			if f.from != 0 {
				*f.to = f.from
			}
		}
	}
	return s
}

// Validate checks that a change is either of the times or of the model, and changes something.
func (c GroupChange) Validate() error {
	if (c.Times == nil) == (c.Model == nil) {
		return ErrInvalidChange.Wrap("expected either times or a model")
	}
	if c.Times != nil && *c.Times == (GroupTimes{}) {
		return ErrInvalidChange.Wrap("times: expected at least one that is not 0")
	}
	return nil
}

// Adopted reports whether enough of the stake that can vote is behind a change: more than half for times, at least two thirds for
// a model.
func (c GroupChange) Adopted(standing, all math.Int) bool {
	if c.Model != nil {
		return votingtypes.Reaches(standing, all, 2, 3)
	}
	return votingtypes.Exceeds(standing, all, 1, 2)
}

// Subject says in one line what is voted for: what a wallet shows to those who sign a vote.
func (c GroupChange) Subject() string {
	what := "model"
	if c.Model != nil {
		if hash, err := c.Model.Hash(); err == nil {
			what = fmt.Sprintf("model %x", hash)
		}
	} else {
		what = fmt.Sprintf("commit %d, reveal %d blocks, nominal %d, voting period %d seconds (0 as it is)",
			c.Times.CommitBlocks, c.Times.RevealBlocks, c.Times.NominalSeconds, c.Times.PeriodSeconds)
	}
	return fmt.Sprintf("change %d of group %s: %s: %s", c.Id, c.Group, what, c.Summary)
}
