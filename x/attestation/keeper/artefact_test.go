package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/attestation/keeper"
	"github.com/pold-network/pold/x/attestation/types"
)

// asked asks about an artefact and makes the block in which its window starts.
func (c *chain) asked() uint64 {
	id := c.ask()
	c.block(c.alive()...)
	require.Equal(c.t, c.ctx.BlockHeight()+window, c.artefact(id).Until)
	return id
}

func TestAnArtefactIsHeldAsSoonAsMoreThanTwoThirdsOfPowerHoldIt(t *testing.T) {
	c := newChain(t, 40, 30, 30)
	id := c.asked()
	c.block(hold(0, id))
	require.Equal(t, types.ARTEFACT_STATUS_ASKED, c.artefact(id).Status)
	c.block(hold(1, id))
	a := c.artefact(id)
	require.Equal(t, types.ARTEFACT_STATUS_HELD, a.Status)
	require.Equal(t, int64(70), a.HeldPower)
	require.Equal(t, []types.Artefact{a}, c.owner.judged)
	judged := c.events(&types.EventArtefactJudged{})
	require.Len(t, judged, 1)
	require.Equal(t, "true", said(judged[0], "held"))
}

func TestExactlyTwoThirdsAreNotEnoughToHold(t *testing.T) {
	c := newChain(t, 1, 1, 1)
	id := c.asked()
	c.block(hold(0, id), hold(1, id))
	c.blocks(window)
	require.Equal(t, types.ARTEFACT_STATUS_WITHHELD, c.artefact(id).Status)
}

func TestAnArtefactIsWithheldWhenEnoughValidatorsWereLiveToFetchIt(t *testing.T) {
	c := newChain(t, 40, 30, 30)
	id := c.asked()
	until := c.artefact(id).Until
	for c.ctx.BlockHeight() < until {
		c.blocks(1)
		require.Equal(t, types.ARTEFACT_STATUS_ASKED, c.artefact(id).Status)
	}
	c.blocks(1)
	a := c.artefact(id)
	require.Equal(t, types.ARTEFACT_STATUS_WITHHELD, a.Status)
	require.Equal(t, "held by 0 of 100 power while 3 validators were live", a.Note)
	require.Equal(t, []types.Artefact{a}, c.owner.judged)
}

func TestTheWindowIsExtendedWhileValidatorsAreOffline(t *testing.T) {
	for _, r := range []struct {
		name   string
		powers []int64
		live   []int
	}{
		{"live power is two thirds", []int64{1, 1, 1}, []int{0, 1}},
		{"live power is enough, live validators are not", []int64{70, 10, 10, 10}, []int{0}},
		{"live validators are enough, live power is not", []int64{70, 10, 10, 10}, []int{1, 2, 3}},
		{"nobody is live", []int64{1, 1}, nil},
	} {
		t.Run(r.name, func(t *testing.T) {
			c := newChain(t, r.powers...)
			var live []keeper.SignedExtension
			for _, i := range r.live {
				live = append(live, sign(i, types.VoteExtension{}))
			}
			id := c.ask()
			c.block(live...)
			until := c.artefact(id).Until
			for range 3*window + 1 {
				c.block(live...)
			}
			a := c.artefact(id)
			require.Equal(t, types.ARTEFACT_STATUS_ASKED, a.Status, "offline validators are not the trainer's fault")
			require.Equal(t, uint32(3), a.Extensions)
			require.Equal(t, until+3*window, a.Until)
			require.Contains(t, a.Note, "window extended")
			require.Len(t, c.events(&types.EventArtefactExtended{}), 1)

			for range window {
				c.block(c.alive()...)
			}
			require.Equal(t, types.ARTEFACT_STATUS_WITHHELD, c.artefact(id).Status, "all are back")
		})
	}
}

func TestWhoHoldsIsCountedByTheSnapshot(t *testing.T) {
	c := newChain(t, 1, 1, 1)
	id := c.asked()
	c.staking.powers = []int64{1, 1, 1, 1_000}
	c.block(hold(3, id), hold(0, id), hold(0, id))
	require.Equal(t, types.ARTEFACT_STATUS_ASKED, c.artefact(id).Status)
	response, err := keeper.NewQueryServer(c.Keeper).Artefact(c.ctx, &types.QueryArtefactRequest{Id: id})
	require.NoError(t, err)
	require.Equal(t, []string{"op0"}, response.Holders, "a later joiner is no holder, and saying it twice counts once")
	c.block(hold(1, id), hold(2, id))
	require.Equal(t, types.ARTEFACT_STATUS_HELD, c.artefact(id).Status)
	require.Equal(t, int64(3), c.artefact(id).TotalPower)
}

func TestAskArtefactRefusesAnUnknownKind(t *testing.T) {
	_, err := newChain(t, 1).AskArtefact(newChain(t, 1).ctx, "audit", "bafy", nil, 1, nil)
	require.ErrorIs(t, err, types.ErrUnknownKind)
}

func TestValidatorsThatHaveJustGoneOfflineAreNotTheTrainersFault(t *testing.T) {
	c := newChain(t, 1, 1, 1)
	id := c.asked() // all were live when the question was asked
	for range window + 1 {
		c.block(sign(0, types.VoteExtension{}))
	}
	a := c.artefact(id)
	require.Equal(t, types.ARTEFACT_STATUS_ASKED, a.Status, "two of three have gone, though the live window still counts them")
	require.Equal(t, uint32(1), a.Extensions)
}
