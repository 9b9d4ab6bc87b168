package keeper_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	"github.com/pold-network/pold/x/reputation/types"
	slashingtypes "github.com/pold-network/pold/x/slashing/types"
)

func TestWhatValidatorsDoMovesTheirParts(t *testing.T) {
	op := operator(1)
	held, withheld := judged(attestationtypes.ARTEFACT_STATUS_HELD), judged(attestationtypes.ARTEFACT_STATUS_WITHHELD)
	for name, c := range map[string]struct {
		do   func(c *chain) error
		want [3]uint64
	}{
		"its witness matched": {func(c *chain) error { c.settle(minStake, op); return nil }, [3]uint64{500, 505, 500}},
		"others matched, it was wrong or absent": {func(c *chain) error {
			return c.AfterTaskSettled(c.ctx, attestationtypes.Outcome{
				Task:  attestationtypes.Task{Id: 12, Priority: math.NewInt(minStake), Matched: []string{operator(2)}, Mismatched: []string{op}},
				Wrong: []attestationtypes.Vote{{Operator: op}}, Absent: []string{op},
			})
		}, newcomer},
		"it produced the chunks of a store task":                      {func(c *chain) error { return c.AfterTaskSettled(c.ctx, stored(minStake, []string{op}, nil, nil)) }, [3]uint64{510, 500, 500}},
		"it was live and did not produce them":                        {func(c *chain) error { return c.AfterTaskSettled(c.ctx, stored(minStake, nil, []string{op}, nil)) }, [3]uint64{490, 500, 500}},
		"it produced something else, which slashing tells of as well": {func(c *chain) error { return c.AfterTaskSettled(c.ctx, stored(minStake, nil, nil, []string{op})) }, [3]uint64{490, 500, 500}},
		"it was away while others produced them": {func(c *chain) error {
			return c.AfterTaskSettled(c.ctx, stored(minStake, []string{operator(2)}, nil, nil))
		}, newcomer},
		"chunks of a group that does not count": {func(c *chain) error {
			return c.AfterTaskSettled(c.ctx, stored(minStake-1, []string{op}, []string{op}, nil))
		}, newcomer},
		"its personal value was right":               {func(c *chain) error { return c.AfterSpotSettled(c.ctx, spot(minStake, op, false)) }, [3]uint64{500, 512, 525}},
		"its personal value was wrong":               {func(c *chain) error { return c.AfterSpotSettled(c.ctx, spot(minStake, op, true)) }, newcomer},
		"it held a file":                             {func(c *chain) error { return c.AfterArtefactJudged(c.ctx, held, []string{op}, nil) }, [3]uint64{510, 500, 500}},
		"it did not hold a file that was held":       {func(c *chain) error { return c.AfterArtefactJudged(c.ctx, held, nil, []string{op}) }, [3]uint64{490, 500, 500}},
		"it held a file that was withheld by others": {func(c *chain) error { return c.AfterArtefactJudged(c.ctx, withheld, []string{op}, nil) }, newcomer},
		"it did not hold a file that nobody held":    {func(c *chain) error { return c.AfterArtefactJudged(c.ctx, withheld, nil, []string{op}) }, newcomer},
		"it did not reveal its secret": {func(c *chain) error {
			return c.AfterConduct(c.ctx, attestationtypes.Conduct{Operator: op, Kind: attestationtypes.ConductMissingReveal, Ref: "beacon/7"})
		}, [3]uint64{500, 500, 475}},
		"it answered wrongly": {func(c *chain) error {
			return c.AfterFault(c.ctx, slashingtypes.Evidence{Id: 4, Address: op, Kind: slashingtypes.FAULT_KIND_WRONG_ANSWER})
		}, [3]uint64{500, 250, 250}},
	} {
		chain := newChain(t)
		require.NoError(t, c.do(chain), name)
		require.Equal(t, c.want, chain.thousandths(op), name)
	}
}

// stored is a settled store task: who produced the chunks, who was live and did not, and who committed to something else.
func stored(stake int64, matched, absent, wrong []string) attestationtypes.Outcome {
	o := attestationtypes.Outcome{
		Task:   attestationtypes.Task{Id: 12, Kind: poltypes.StoreTaskKind, Priority: math.NewInt(stake), Matched: matched, Mismatched: wrong},
		Absent: absent,
	}
	for _, x := range wrong {
		o.Wrong = append(o.Wrong, attestationtypes.Vote{Operator: x})
	}
	return o
}

func TestTheStoragePartTendsToThePartOfTheChunksThatAreProduced(t *testing.T) {
	c := newChain(t)
	for i := range 400 {
		o := stored(minStake, []string{operator(1)}, []string{operator(2)}, nil)
		if i%4 == 0 {
			o.Absent = append(o.Absent, operator(3))
		} else {
			o.Task.Matched = append(o.Task.Matched, operator(3))
		}
		require.NoError(t, c.AfterTaskSettled(c.ctx, o))
	}
	require.Equal(t, uint64(999), c.thousandths(operator(1))[0])
	require.Zero(t, c.thousandths(operator(2))[0])
	require.InDelta(t, 750, c.thousandths(operator(3))[0], 20)
	require.Greater(t, c.factor(operator(1)), c.factor(operator(3)))
	require.Greater(t, c.factor(operator(3)), c.factor(operator(2)))
	require.Equal(t, newcomer[1:], append([]uint64(nil), c.thousandths(operator(2))[1], c.thousandths(operator(2))[2]))
}

func TestWhatTrainersDoMovesTheirParts(t *testing.T) {
	who := account(1)
	const scored, proved = poltypes.PROOF_MODE_SCORED, poltypes.PROOF_MODE_PROVED
	const tenth = billion - billion/10
	lost := func(cause poltypes.LossCause) poltypes.RoundOutcome {
		o := round(proved)
		o.Losses = []poltypes.Loss{{Address: who, Cause: cause, Amount: math.NewInt(1)}}
		return o
	}
	changed := func(o poltypes.RoundOutcome, change func(o *poltypes.RoundOutcome)) poltypes.RoundOutcome {
		change(&o)
		return o
	}
	for name, c := range map[string]struct {
		outcome poltypes.RoundOutcome
		want    [3]uint64
	}{
		"it won by a tenth":                        {round(scored, submission(who, poltypes.SUBMISSION_STATUS_WINNER, tenth)), [3]uint64{500, 530, 505}},
		"it won by a tenth and proved it":          {round(proved, submission(who, poltypes.SUBMISSION_STATUS_WINNER, tenth)), [3]uint64{500, 530, 505}},
		"it beat the parent and another won":       {round(scored, submission(who, poltypes.SUBMISSION_STATUS_VALID, tenth)), [3]uint64{500, 515, 505}},
		"it was proved and another won":            {round(proved, submission(who, poltypes.SUBMISSION_STATUS_PROVED, tenth)), [3]uint64{500, 515, 505}},
		"it was valid where proof is needed":       {round(proved, submission(who, poltypes.SUBMISSION_STATUS_VALID, tenth)), newcomer},
		"it was valid and no better":               {round(scored, submission(who, poltypes.SUBMISSION_STATUS_VALID, billion)), newcomer},
		"it was better by less than is asked":      {round(scored, submission(who, poltypes.SUBMISSION_STATUS_VALID, billion-999)), newcomer},
		"it was not scored":                        {round(scored, poltypes.Submission{Trainer: who, Status: poltypes.SUBMISSION_STATUS_NOT_SCORED}), newcomer},
		"it was a duplicate":                       {round(scored, submission(who, poltypes.SUBMISSION_STATUS_DUPLICATE, tenth)), newcomer},
		"it is valid without a verdict":            {round(scored, poltypes.Submission{Trainer: who, Status: poltypes.SUBMISSION_STATUS_VALID}), newcomer},
		"it did not reveal":                        {lost(poltypes.LossNotRevealed), [3]uint64{500, 500, 450}},
		"it withheld":                              {lost(poltypes.LossWithheld), [3]uint64{460, 500, 400}},
		"it claimed falsely":                       {lost(poltypes.LossFalseClaim), [3]uint64{500, 350, 350}},
		"its transcript failed":                    {lost(poltypes.LossUnproved), [3]uint64{500, 250, 250}},
		"it withheld a key":                        {lost(poltypes.LossSealedKey), [3]uint64{500, 500, 250}},
		"a loss in a round that does not count":    {changed(lost(poltypes.LossUnproved), func(o *poltypes.RoundOutcome) { o.Counts = false }), newcomer},
		"a parent that was never scored":           {changed(round(scored, submission(who, poltypes.SUBMISSION_STATUS_WINNER, tenth)), func(o *poltypes.RoundOutcome) { o.Round.ParentVerdict = nil }), newcomer},
		"a parent that has no loss: the least win": {changed(round(scored, submission(who, poltypes.SUBMISSION_STATUS_WINNER, tenth)), func(o *poltypes.RoundOutcome) { o.Round.ParentVerdict.Problem = "broken" }), [3]uint64{500, 505, 505}},
	} {
		chain := newChain(t)
		require.NoError(t, chain.AfterRoundSettled(chain.ctx, c.outcome), name)
		require.Equal(t, c.want, chain.thousandths(who), name)
	}
}

// What slashing tells about faults that attestation or pol have told already must not count again.
func TestAFaultToldTwiceCountsOnce(t *testing.T) {
	who := account(1)
	for cause, kind := range map[poltypes.LossCause]slashingtypes.FaultKind{
		poltypes.LossNotRevealed: slashingtypes.FAULT_KIND_NOT_REVEALED, poltypes.LossWithheld: slashingtypes.FAULT_KIND_WITHHELD,
		poltypes.LossFalseClaim: slashingtypes.FAULT_KIND_FALSE_CLAIM, poltypes.LossUnproved: slashingtypes.FAULT_KIND_UNPROVED,
		poltypes.LossSealedKey: slashingtypes.FAULT_KIND_SEALED_KEY,
	} {
		c := newChain(t)
		o := round(poltypes.PROOF_MODE_PROVED)
		o.Losses = []poltypes.Loss{{Address: who, Cause: cause}}
		require.NoError(t, c.AfterRoundSettled(c.ctx, o))
		once := c.now(who)
		require.NotEqual(t, newcomer, c.thousandths(who))
		require.NoError(t, c.AfterFault(c.ctx, slashingtypes.Evidence{Id: 1, Address: who, Kind: kind}))
		require.Equal(t, once, c.now(who), kind)
	}
	op := operator(1)
	c := newChain(t)
	require.NoError(t, c.AfterConduct(c.ctx, attestationtypes.Conduct{Operator: op, Kind: attestationtypes.ConductMissingReveal}))
	require.NoError(t, c.AfterArtefactJudged(c.ctx, judged(attestationtypes.ARTEFACT_STATUS_HELD), nil, []string{op}))
	once := c.now(op)
	for _, kind := range []slashingtypes.FaultKind{slashingtypes.FAULT_KIND_BEACON, slashingtypes.FAULT_KIND_CONDUCT, slashingtypes.FAULT_KIND_NOT_HELD} {
		require.NoError(t, c.AfterFault(c.ctx, slashingtypes.Evidence{Id: 1, Address: op, Kind: kind}))
	}
	require.Equal(t, once, c.now(op))
	require.NoError(t, c.AfterTaskSettled(c.ctx, attestationtypes.Outcome{
		Task: attestationtypes.Task{Priority: math.NewInt(minStake), Mismatched: []string{op}}, Wrong: []attestationtypes.Vote{{Operator: op}},
	}))
	require.NoError(t, c.AfterSpotSettled(c.ctx, spot(minStake, op, true)))
	require.Equal(t, once, c.now(op), "wrong answers and values are slashing's to tell")
}

func TestEachChangeIsAnnouncedAndKept(t *testing.T) {
	c := newChain(t)
	require.NoError(t, c.AfterSpotSettled(c.ctx, spot(minStake, operator(1), false)))
	require.Len(t, c.events(&types.EventReputation{}), 2)
	e := c.events(&types.EventReputation{})[1]
	for key, want := range map[string]string{
		"address": `"` + operator(1) + `"`, "part": `"PART_CONDUCT"`, "before_e9": `"500000000"`, "after_e9": `"525000000"`,
		"reason": `"a spot task found its personal value right"`, "ref": `"task/12"`,
	} {
		a, ok := e.GetAttribute(key)
		require.True(t, ok, key)
		require.Equal(t, want, a.Value, key)
	}
	require.Equal(t, types.Event{
		Height: 100, Unix: 1_700_000_000, Part: types.PART_CONDUCT, OutcomeE9: billion, WeightE6: types.Million, AfterE9: 525_000_000,
		Reason: "a spot task found its personal value right", Ref: "task/12",
	}, c.now(operator(1)).Events[1])
	require.Equal(t, uint64(2), c.now(operator(1)).Count)
}

// A whole set of 250 validators is one write each and no more.
func TestTheWorkOfAHookIsBoundedByItsLists(t *testing.T) {
	c := newChain(t)
	var all []string
	for n := range 250 {
		all = append(all, operator(byte(n)))
	}
	c.settle(minStake, all...)
	require.Equal(t, map[byte]int{0: 1, 1: 250, 2: 250}, c.prefixes())
	c.pass(60)
	c.settle(minStake, all...)
	require.Equal(t, map[byte]int{0: 1, 1: 250, 2: 250}, c.prefixes())
}

type brokenStakes struct{}

var errBroken = errors.New("pol broke")

func (brokenStakes) MinGroupStake(context.Context) (math.Int, error) { return math.Int{}, errBroken }

func (brokenStakes) ArtefactStake(context.Context, attestationtypes.Artefact) (math.Int, error) {
	return math.Int{}, errBroken
}

func TestWithoutAnAnswerAboutStakesNothingIsWritten(t *testing.T) {
	c := newChain(t)
	c.use(brokenStakes{})
	require.ErrorIs(t, c.AfterTaskSettled(c.ctx, attestationtypes.Outcome{Task: attestationtypes.Task{Matched: []string{operator(1)}}}), errBroken)
	require.ErrorIs(t, c.AfterSpotSettled(c.ctx, spot(minStake, operator(1), false)), errBroken)
	require.ErrorIs(t, c.AfterArtefactJudged(c.ctx, judged(attestationtypes.ARTEFACT_STATUS_HELD), []string{operator(1)}, nil), errBroken)
	require.Equal(t, map[byte]int{0: 1}, c.prefixes())
}
