package adversaries

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/engine"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
)

// proofRows are cheats with transcripts. The income of a forger of one segment is the mean over the draws: it keeps the reward with
// the chance that the common audit alone misses the segment, and loses the bond otherwise.
func proofRows() []Row {
	row := func(name, stops string, play func(testing.TB, *Honest) Outcome) Row {
		return Row{Name: name, Stops: stops, Query: "trainerd replay", Play: play}
	}
	return []Row{
		row("skips one step", "bond", oneSegment(func(a *Arena) Play { return a.SkipStep })),
		row("swaps the batches of one segment", "bond", oneSegment(func(a *Arena) Play {
			return a.OtherRecipe(func(r *engine.Recipe) { r.Seed[0] ^= 1 })
		})),
		row("trains one segment with another rate", "bond", oneSegment(func(a *Arena) Play {
			return a.OtherRecipe(func(r *engine.Recipe) { r.LearningRate *= 2 })
		})),
		row("jumps to better weights within a segment that one validator replays", "bond (challenge)", challenged),
		row("jumps to better weights within a segment that nobody replays", "bond, on average", unseen),
		row("has the right ends and invents the middle", "bond", everySegment(func(a *Arena) Play {
			return a.Invent(a.Overtrained(a.Accounts[0], a.Rows().Training))
		})),
		row("trains on the validation rows", "bond", everySegment(func(a *Arena) Play {
			return a.OtherRows(joined(a.Rows().Training, a.Rows().Validation))
		})),
		row("withholds a state that was drawn for all", "bond", func(t testing.TB, h *Honest) Outcome { return withheldState(t, h, lastOf(h.Common), "withheld") }),
		row("withholds a state that was drawn for one validator", "bond (challenge)", func(t testing.TB, h *Honest) Outcome {
			return withheldState(t, h, h.Own[0], "start state of segment")
		}),
	}
}

func lastOf(x []uint32) uint32 { return x[len(x)-1] }

func forged(t testing.TB, play func(a *Arena) Play, note string) (*Arena, Outcome) {
	t.Helper()
	a, income := caught(t, Config{}, func(a *Arena, rival *Entry) *Entry {
		own := a.Forge(a.Accounts[0], play(a))
		require.Less(t, own.RankLossE9, rival.RankLossE9, "it would win")
		return own
	}, poltypes.SUBMISSION_STATUS_UNPROVED, note, polslashingtypes.FAULT_KIND_UNPROVED)
	return a, Outcome{Cheater: income, Saw: a.sawEntry(a.Accounts[0])}
}

// oneSegment forges one segment that the audit then draws.
func oneSegment(play func(a *Arena) Play) func(testing.TB, *Honest) Outcome {
	return func(t testing.TB, h *Honest) Outcome {
		_, o := forged(t, func(a *Arena) Play { return a.Once(int(lastOf(h.Common)), play(a)) }, "the replay of a segment ends elsewhere")
		require.Equal(t, h.Bond.Neg(), o.Cheater)
		o.Honest, o.Cheater, o.Expected = h.Trainer, h.expected(), true
		return o
	}
}

// everySegment forges all, so that the audit can't miss.
func everySegment(play func(a *Arena) Play) func(testing.TB, *Honest) Outcome {
	return func(t testing.TB, h *Honest) Outcome {
		_, o := forged(t, play, "segment")
		require.Equal(t, h.Bond.Neg(), o.Cheater)
		o.Honest = h.Trainer
		return o
	}
}

func jump(segment uint32) func(a *Arena) Play {
	return func(a *Arena) Play {
		return a.Once(int(segment), a.Jump(a.Overtrained(a.Accounts[0], a.Rows().Training)))
	}
}

func challenged(t testing.TB, h *Honest) Outcome {
	a, o := forged(t, jump(h.Own[0]), "challenged by 1 validators")
	s := a.Submission(1, a.Accounts[0])
	require.Len(t, s.Challenges, 1)
	require.Equal(t, h.Own[0], s.Challenges[0].Segment)
	require.Equal(t, h.Bond.Neg(), o.Cheater)
	o.Honest, o.Cheater, o.Expected = h.Trainer, h.expected(), true
	return o
}

// unseen gets away with it this time; before the draw nobody could know that.
func unseen(t testing.TB, h *Honest) Outcome {
	a := NewArena(t, Config{})
	income := a.trial(func(a *Arena, _ *Entry) *Entry { return a.Forge(a.Accounts[0], jump(lastOf(h.Free))(a)) })
	require.Equal(t, h.Trainer, income)
	return Outcome{Honest: h.Trainer, Cheater: h.expected(), Expected: true, Saw: a.sawEntry(a.Accounts[0])}
}

func withheldState(t testing.TB, h *Honest, segment uint32, note string) Outcome {
	a, income := caught(t, Config{}, func(a *Arena, _ *Entry) *Entry {
		own := a.Train(a.Accounts[0], nil)
		delete(a.Files, own.Transcript.Leaves[segment].StateCID)
		return own
	}, poltypes.SUBMISSION_STATUS_UNPROVED, note, polslashingtypes.FAULT_KIND_UNPROVED)
	require.Equal(t, h.Bond.Neg(), income)
	return Outcome{Honest: h.Trainer, Cheater: income, Saw: a.sawEntry(a.Accounts[0])}
}
