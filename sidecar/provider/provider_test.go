package provider

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/sidecar/sealed"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

func revealed(c *fakeChain) (rounds []uint64) {
	for _, m := range c.sends {
		if m, ok := m.(*poltypes.MsgRevealBatchKey); ok {
			rounds = append(rounds, m.Round)
		}
	}
	return rounds
}

func TestBatchesAreHandedInAndTheirKeysRevealedRoundByRound(t *testing.T) {
	c, dir := newChain(), filepath.Join(t.TempDir(), "keys")
	p, text := newProvider(t, c, dir)
	bond := math.NewInt(50)
	require.NoError(t, p.HandIn(t.Context(), "g", []Table{table(1), table(2), table(3)}, 0, &bond))
	require.Equal(t, bond, c.bond)
	require.NoError(t, p.AwaitHeld(t.Context(), "g"))
	require.NoError(t, p.Reveal(t.Context(), "g"))
	require.Equal(t, []uint64{1, 2, 3}, revealed(c))
	for n := range uint64(3) {
		b := c.rounds[n+1].Batches[0]
		file := c.files[hex.EncodeToString(b.Sha256)]
		require.True(t, c.provided[hex.EncodeToString(b.Sha256)])
		plain, err := sealed.Open(file, b.Key)
		require.NoError(t, err)
		require.Equal(t, table(int(n+1)).File, plain)
	}
	t.Log("\n" + text.String())

	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 6)
	for _, f := range files {
		info, err := f.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), f.Name())
	}
	require.NoError(t, p.Reveal(t.Context(), ""), "nothing is left to do")
}

func TestAKeyIsOnDiskBeforeAnythingIsSentAndIsNeverReplaced(t *testing.T) {
	c, dir := newChain(), filepath.Join(t.TempDir(), "keys")
	p, _ := newProvider(t, c, dir)
	bond := math.NewInt(50)
	var before []Entry
	c.fail = func(sdk.Msg) error {
		var err error
		before, err = p.folder.entries(testChain, account, "g")
		require.NoError(t, err)
		return errors.New("crash before it is sent")
	}
	require.ErrorContains(t, p.HandIn(t.Context(), "g", []Table{table(1)}, 0, &bond), "run the same command again")
	require.Len(t, before, 1)

	c.fail, c.lost = nil, func(sdk.Msg) error { return errors.New("crash before the answer") }
	p, _ = newProvider(t, c, dir)
	require.Error(t, p.HandIn(t.Context(), "g", []Table{table(1)}, 0, &bond))
	c.lost = nil
	p, text := newProvider(t, c, dir)
	require.NoError(t, p.HandIn(t.Context(), "g", []Table{table(1)}, 0, &bond))
	require.Contains(t, text.String(), "the chain has all of them already")
	require.Equal(t, bond, c.bond, "the bond is not paid twice")
	after, err := p.folder.entries(testChain, account, "g")
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.ErrorContains(t, p.folder.save(after[0], nil), "never replaced")
	require.NoError(t, p.Reveal(t.Context(), "g"))
}

func TestKeysAreRevealedAfterARestartInAnyPhaseAndWhenTheNodeIsAway(t *testing.T) {
	for _, phase := range phases[:3] {
		c, dir := newChain(), filepath.Join(t.TempDir(), "keys")
		p, _ := newProvider(t, c, dir)
		require.NoError(t, p.HandIn(t.Context(), "g", []Table{table(1)}, 0, nil))
		for c.rounds[1] == nil || c.rounds[1].Phase != phase {
			c.look()
		}
		c.away = 2
		tries := 0
		c.fail = func(sdk.Msg) error {
			if tries++; tries < 3 {
				return errAway
			}
			return nil
		}
		p, text := newProvider(t, c, dir)
		require.NoError(t, p.Reveal(t.Context(), ""))
		require.Equal(t, []uint64{1}, revealed(c), phase.String())
		require.Contains(t, text.String(), "the key is on chain")
	}
}

func TestALateKeyIsAnError(t *testing.T) {
	c := newChain()
	p, _ := newProvider(t, c, filepath.Join(t.TempDir(), "keys"))
	require.NoError(t, p.HandIn(t.Context(), "g", []Table{table(1)}, 0, nil))
	c.fail = func(sdk.Msg) error { return errors.New("the node refuses everything") }
	require.ErrorIs(t, p.Reveal(t.Context(), "g"), ErrLost)
}

func TestABatchThatValidatorsDoNotHoldIsHandedInAgain(t *testing.T) {
	c, dir := newChain(), filepath.Join(t.TempDir(), "keys")
	p, _ := newProvider(t, c, dir)
	c.status = poltypes.SEALED_BATCH_STATUS_UNAVAILABLE
	require.NoError(t, p.HandIn(t.Context(), "g", []Table{table(1)}, 0, nil))
	require.ErrorIs(t, p.AwaitHeld(t.Context(), "g"), ErrUnavailable)
	c.status = poltypes.SEALED_BATCH_STATUS_READY
	require.NoError(t, p.HandIn(t.Context(), "g", []Table{table(1)}, 0, nil))
	require.NoError(t, p.AwaitHeld(t.Context(), "g"))
	require.NoError(t, p.Reveal(t.Context(), "g"))
}

func TestWhatWouldCostTheBondIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	for name, c := range map[string]struct {
		change func(c *fakeChain)
		tables []Table
		first  uint64
		want   string
	}{
		"no sealed group":        {func(c *fakeChain) { c.group.Settings.Evaluation = poltypes.EVALUATION_MODE_HOLDOUT }, []Table{table(1)}, 0, "expected evaluation mode SEALED"},
		"no provider":            {func(c *fakeChain) { c.group.Settings.Providers = []string{"pol1other"} }, []Table{table(1)}, 0, "not among its providers"},
		"the same rows twice":    {nil, []Table{table(1), table(1)}, 0, "given twice"},
		"a round that has begun": {func(c *fakeChain) { c.group.Round, c.frozen = 5, true }, []Table{table(1)}, 5, "rounds 6 to 69"},
		"a round too far":        {nil, []Table{table(1)}, 65, "rounds 1 to 64"},
		"another width":          {nil, []Table{{"x", []byte("a,class\n1,0\n")}}, 0, "columns"},
		"a class that is none":   {nil, []Table{table(1), {"x.csv", []byte("a,b,class\n1,2,7\n")}}, 0, "x.csv"},
		"no table":               {nil, []Table{{"x.csv", []byte("hello")}}, 0, "x.csv"},
	} {
		t.Run(name, func(t *testing.T) {
			chain, dir := newChain(), filepath.Join(t.TempDir(), "keys")
			if c.change != nil {
				c.change(chain)
			}
			p, _ := newProvider(t, chain, dir)
			require.ErrorContains(t, p.HandIn(t.Context(), "g", c.tables, c.first, nil), c.want)
			require.Empty(t, chain.sends)
			files, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Empty(t, files)
		})
	}
}

func TestTheSameCommandAfterARestartGoesOn(t *testing.T) {
	c, dir := newChain(), filepath.Join(t.TempDir(), "keys")
	tables := []Table{table(1), table(2)}
	p, _ := newProvider(t, c, dir)
	require.NoError(t, p.HandIn(t.Context(), "g", tables, 0, nil))
	for c.rounds[1] == nil || c.rounds[1].Phase != poltypes.ROUND_PHASE_KEY {
		c.look()
	}
	p, text := newProvider(t, c, dir)
	require.NoError(t, p.HandIn(t.Context(), "g", tables, 0, nil))
	require.NoError(t, p.Reveal(t.Context(), "g"))
	require.Equal(t, []uint64{1, 2}, revealed(c))
	require.Contains(t, text.String(), "new rounds need new rows")

	// Rows that were seen are never sealed again, new ones go to the next round.
	require.NoError(t, p.HandIn(t.Context(), "g", []Table{table(1), table(3)}, 0, nil))
	require.Len(t, c.batches, 1)
	require.Equal(t, uint64(3), c.batches[0].Round)
}

func TestRowsOfARoundThatNeverAskedForThemAreSealedAgain(t *testing.T) {
	c := newChain()
	p, _ := newProvider(t, c, filepath.Join(t.TempDir(), "keys"))
	require.NoError(t, p.HandIn(t.Context(), "g", []Table{table(1)}, 0, nil))
	c.look()
	c.rounds[1].Phase = poltypes.ROUND_PHASE_SETTLED // nobody committed a checkpoint
	require.NoError(t, p.HandIn(t.Context(), "g", []Table{table(1)}, 0, nil))
	require.NoError(t, p.Reveal(t.Context(), "g"))
	require.Equal(t, []uint64{2}, revealed(c))
	require.NotEqual(t, c.rounds[1].Batches[0].KeyHash, c.rounds[2].Batches[0].KeyHash, "a key is used once")
}

func TestAFolderThatOthersCanReadIsRefused(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	_, err := New(Config{Dir: dir})
	require.ErrorContains(t, err, "chmod 700")
}
