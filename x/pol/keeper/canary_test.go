package keeper_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/pol/types"
)

var canarySalt = bytes.Repeat([]byte{9}, 32)

func canaryBond() int64 { return params().CanaryBond.Int64() }

// plant plants a canary of account 3 about a checkpoint of account 1.
func (e *env) plant(finding types.ScoreStatus, loss uint64) error {
	round := e.group("digits").Round
	return e.send(&types.MsgPlantCanary{Sender: account(3), Group: "digits", Round: round,
		Commitment: types.CanaryCommitmentOf(chainID, "digits", round, account(3), account(1), uint32(finding), loss, canarySalt)})
}

func (e *env) openCanary(finding types.ScoreStatus, loss uint64) (types.CanaryStatus, error) {
	r, err := e.msg.OpenCanary(e.ctx, &types.MsgOpenCanary{Sender: account(3), Group: "digits", Round: 1, Trainer: account(1),
		Finding: uint32(finding), ClaimLossE9: loss, Salt: canarySalt})
	if err != nil {
		return 0, err
	}
	return r.Status, nil
}

func (e *env) canary() types.Canary {
	e.t.Helper()
	r, err := e.q.Canaries(e.ctx, &types.QueryCanariesRequest{Group: "digits", Number: 1})
	require.NoError(e.t, err)
	require.Len(e.t, r.Canaries, 1)
	return r.Canaries[0]
}

// planted plays the first round with a canary whose checkpoint claims one billionth too little.
func planted(t *testing.T) *env {
	t.Helper()
	e := staked(t, nil)
	e.until("digits", types.ROUND_PHASE_COMMIT)
	require.NoError(t, e.plant(types.ScoreValid, 1_000))
	bird := trained(1, 1_000)
	bird.claim--
	e.play("digits", bird, trained(2, 900))
	return e
}

func TestAConfirmedCanaryGivesTheLossBackAndNamesWhoWasWrong(t *testing.T) {
	e := planted(t)
	require.Equal(t, int64(funds-commitBond), e.balance(account(1)), "held back, not burned yet")
	status, err := e.openCanary(types.ScoreValid, 1_000)
	require.NoError(t, err)
	require.Equal(t, types.CANARY_STATUS_CONFIRMED, status)
	require.Equal(t, []string{"liar"}, e.canary().Exposed)
	require.Equal(t, int64(funds), e.balance(account(1)))
	require.Equal(t, funds-canaryBond()/types.CanaryFee, e.balance(account(3)), "slots are not for nothing")
	e.next()
	_, err = e.openCanary(types.ScoreValid, 1_000)
	require.ErrorIs(t, err, types.ErrInvalidCanary, "once")
}

func TestACanaryAgainstWhichTwoThirdsDecidedNamesThemAndHidesNoFalseClaim(t *testing.T) {
	e := staked(t, nil)
	e.until("digits", types.ROUND_PHASE_COMMIT)
	require.NoError(t, e.plant(types.ScoreValid, 999)) // says that the false claim is the truth
	bird := trained(1, 1_000)
	bird.claim--
	e.play("digits", bird, trained(2, 900))
	status, err := e.openCanary(types.ScoreValid, 999)
	require.NoError(t, err)
	require.Equal(t, types.CANARY_STATUS_CONTRADICTED, status)
	require.Equal(t, []string{operator(1), operator(2)}, e.canary().Exposed)
	require.Contains(t, e.canary().Note, "trainerd verify")
	require.Equal(t, int64(funds-commitBond), e.balance(account(1)))
	supply := e.supply()
	e.advance(int(params().CanaryBlocks) + 1)
	require.True(t, e.supply().LT(supply), "then the loss is burned")
}

func TestACanaryThatIsNotOpenedLosesItsBond(t *testing.T) {
	e := planted(t)
	e.until("digits", types.ROUND_PHASE_COMMIT)
	e.advance(int(params().CanaryBlocks) + 2)
	require.Equal(t, funds-canaryBond(), e.balance(account(3)))
	_, err := e.openCanary(types.ScoreValid, 1_000)
	require.ErrorIs(t, err, types.ErrInvalidCanary)
}

func TestCanariesAreForgottenWithTheirRound(t *testing.T) {
	e := planted(t)
	_, err := e.openCanary(types.ScoreValid, 1_000)
	require.NoError(t, err)
	for range params().RoundRetention + 1 {
		e.play("digits")
		e.next()
	}
	e.advance(2*int(params().CanaryBlocks) + 2)
	g, err := e.k.ExportGenesis(e.ctx)
	require.NoError(t, err)
	require.Empty(t, g.Canaries)
}

func TestCanariesThatShowNothingAreRefused(t *testing.T) {
	e := staked(t, nil)
	r := e.until("digits", types.ROUND_PHASE_COMMIT)
	require.ErrorIs(t, e.send(&types.MsgPlantCanary{Sender: account(3), Group: "digits", Round: r.Number, Commitment: []byte("short")}), types.ErrInvalidCanary)
	require.NoError(t, e.plant(types.ScoreValid, 1_000))
	require.ErrorContains(t, e.plant(types.ScoreValid, 1_000), "one canary per account")
	_, err := e.openCanary(types.ScoreValid, 1_000)
	require.ErrorIs(t, err, types.ErrWrongPhase, "not before settlement")
	e.commit("digits", trained(2, 900))
	e.until("digits", types.ROUND_PHASE_REVEAL)
	require.ErrorIs(t, e.plant(types.ScoreValid, 1_000), types.ErrWrongPhase, "not once checkpoints are public")
	e.reveal("digits", trained(2, 900))
	e.until("digits", types.ROUND_PHASE_SETTLED)
	_, err = e.openCanary(types.ScoreValid, 999)
	require.ErrorIs(t, err, types.ErrMismatch)
	_, err = e.openCanary(types.ScoreValid, 1_000)
	require.ErrorContains(t, err, "got no verdict")
}

func TestCanariesAndHeldLossesSurviveAnExport(t *testing.T) {
	e := planted(t)
	exported, err := e.k.ExportGenesis(e.ctx)
	require.NoError(t, err)
	require.NoError(t, exported.Validate())
	require.Len(t, exported.Canaries, 1)
	require.Len(t, exported.HeldLosses, 1)
}
