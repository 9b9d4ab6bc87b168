package types_test

import (
	"bytes"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	sdkmath "cosmossdk.io/math"

	"github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

func TestRoundBonds(t *testing.T) {
	for name, c := range map[string]struct {
		change           func(*types.GroupSettings)
		coinbase, bounty int64
		want             int64
	}{
		"without proof what the group says":      {func(*types.GroupSettings) {}, 1_000_000, 1_000_000, 1_000},
		"10 segments, 3 of them common: 7/3":     {prove, 3_000, 0, 7_000},
		"rounded up":                             {prove, 3_001, 0, 7_003}, // 7002.33
		"the bounty counts":                      {prove, 2_000, 1_000, 7_000},
		"at least what the group says":           {prove, 100, 0, 1_000},
		"64 segments: 61/3":                      {func(s *types.GroupSettings) { prove(s); s.Segments = 64 }, 3_000, 0, 61_000},
		"all segments are common":                {func(s *types.GroupSettings) { prove(s); s.Segments = 3 }, 1_000_000, 9, 1_000},
		"fewer segments than the common count":   {func(s *types.GroupSettings) { prove(s); s.Segments = 1 }, 1_000_000, 9, 1_000},
		"a sandbox has none, whatever it proves": {func(s *types.GroupSettings) { prove(s); s.Sandbox, s.CommitBond = true, sdkmath.ZeroInt() }, 0, 9_000, 0},
	} {
		s := digitsSettings()
		c.change(&s)
		bond := s.RoundBond(types.DefaultParams(), sdkmath.NewInt(c.coinbase), sdkmath.NewInt(c.bounty))
		require.Equal(t, c.want, bond.Int64(), name)
	}
}

// TestForgingASegmentNeverPays: with the bond of a round, what a forger of one segment can expect from the common audit
// alone is nothing or less, whatever coinbase, bounty and number of segments; and one unrn less would be too little unless
// the division came out even.
func TestForgingASegmentNeverPays(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	tight := 0
	for range 20_000 {
		s := digitsSettings()
		prove(&s)
		s.CommitBond = sdkmath.NewInt(r.Int64N(1 << r.IntN(40)))
		s.Segments = 1 + r.Uint32N(types.MaxSegments)
		p := types.DefaultParams()
		p.AuditSegments = 1 + r.Uint32N(types.MaxSegments)
		coinbase := sdkmath.NewIntFromBigInt(new(big.Int).Lsh(big.NewInt(r.Int64()), uint(r.IntN(120))))
		bounty := sdkmath.NewInt(r.Int64())
		bond := s.RoundBond(p, coinbase, bounty)
		require.True(t, bond.GTE(s.CommitBond))
		// The segments that the audit draws decide: caught times bond against missed times gain, over all segments.
		caught := int64(len(types.CommonSegments([]byte{byte(r.Uint32())}, "trainer", s.Segments, p.AuditSegments)))
		missed := int64(s.Segments) - caught
		gain := func(bond sdkmath.Int) sdkmath.Int {
			return coinbase.Add(bounty).MulRaw(missed).Sub(bond.MulRaw(caught))
		}
		require.False(t, gain(bond).IsPositive(), "%d of %d segments, coinbase %s, bounty %s: bond %s", caught, s.Segments, coinbase, bounty, bond)
		if bond.GT(s.CommitBond) {
			tight++
			require.True(t, gain(bond.SubRaw(1)).IsPositive(), "no more is taken than needed")
		}
	}
	require.Greater(t, tight, 1_000)
}

// TestNoRoundMintsMoreThanItsBondWasComputedFrom compares with what the round can mint whenever it settles.
func TestNoRoundMintsMoreThanItsBondWasComputedFrom(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	reached := 0
	for range 20_000 {
		p, c := hourly()
		p.HalvingIntervalSeconds = 1 + r.Uint64N(20_000)
		p.UnbondingSeconds = 1 + r.Uint64N(10_000)
		p.MinGroupStake = sdkmath.ZeroInt()
		c.NominalSeconds = 1 + r.Uint64N(10_000)
		c.OpenedUnixMs += r.Int64N(100_000_000)
		c.GroupStake = sdkmath.NewInt(r.Int64N(1 << 50))
		c.TotalStakeAtOpening = c.GroupStake.AddRaw(r.Int64N(1 << 50))
		c.TotalStakeAtSettlement = sdkmath.ZeroInt()
		c.SettledUnixMs = 0
		most := p.MaxAmount(p.WinnerRateE9, c)
		c.SettledUnixMs = c.OpenedUnixMs + r.Int64N(20_000_000)
		c.GroupStake = c.GroupStake.SubRaw(r.Int64N(2) * r.Int64N(c.GroupStake.Int64()+1))
		c.TotalStakeAtSettlement = c.GroupStake.AddRaw(r.Int64N(1 << 51))
		got := p.Amount(p.WinnerRateE9, c)
		require.True(t, got.LTE(most), "%s minted, %s was the most: %+v", got, most, c)
		if got.Equal(most) && got.IsPositive() {
			reached++
		}
	}
	require.Positive(t, reached, "the bound is met")
}

func TestAuditCost(t *testing.T) {
	s := digitsSettings()
	prove(&s)
	s.Recipe.MaxBatchSize = 32
	shape, err := s.Shape()
	require.NoError(t, err)
	table := trainingsettypes.Table{Size_: 5_000}
	cost := func(segments uint32) uint64 { return s.AuditCost(shape, table, segments) }
	size := uint64(4*2_410 + 65_536) // of a checkpoint
	steps := uint64(10)              // of a segment
	segment := steps*(3*uint64(shape.Cost)*32+16*2_410) + size + 8*2_410
	require.Equal(t, segment+5_000+65_536+2*size, cost(1))
	require.Equal(t, 4*segment+5_000+65_536+2*size, cost(4))

	s.Recipe.MaxSteps = 101
	require.Equal(t, cost(0)+(segment+segment/steps-(size+8*2_410)/steps), cost(1), "the longest segment has one step more")
	s.Recipe.MaxBatchSize = 0
	unbounded := cost(1)
	s.Recipe.MaxBatchSize = 65_536
	require.Equal(t, unbounded, cost(1), "without a bound the engine's counts")

	shape.Cost = 1 << 50
	require.Equal(t, uint64(math.MaxUint64), cost(1), "no budget allows what does not fit a number")
	require.Equal(t, uint64(math.MaxUint64), shape.RoundCost(types.Round{Batches: []types.SealedBatch{{Rows: math.MaxUint64}, {Rows: 2}}}))
}

func TestSealedBatchesAddToTheCostOfARound(t *testing.T) {
	shape, err := digitsModel().Shape()
	require.NoError(t, err)
	r := types.Round{Table: trainingsettypes.Table{Rows: 100, Size_: 1_000}}
	require.Equal(t, shape.ScoreCost(100, 1_000), shape.RoundCost(r))
	r.Batches = []types.SealedBatch{{Rows: 10, Size_: 50}, {Rows: 5, Size_: 20}}
	require.Equal(t, shape.ScoreCost(115, 1_070), shape.RoundCost(r))
}

func TestRevealsOfTranscripts(t *testing.T) {
	const cid = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
	for name, c := range map[string]struct {
		proved bool
		change func(*types.MsgSubmitCheckpoint)
		says   string
	}{
		"a transcript":                {true, func(*types.MsgSubmitCheckpoint) {}, ""},
		"of the largest size":         {true, func(m *types.MsgSubmitCheckpoint) { m.TranscriptSize = 65_536 }, ""},
		"that is too large":           {true, func(m *types.MsgSubmitCheckpoint) { m.TranscriptSize = 65_537 }, "transcript_size: expected 1 to 65536 bytes, got 65537"},
		"without a size":              {true, func(m *types.MsgSubmitCheckpoint) { m.TranscriptSize = 0 }, "transcript_size: expected 1 to 65536 bytes, got 0"},
		"without a root":              {true, func(m *types.MsgSubmitCheckpoint) { m.TranscriptRoot = nil }, "transcript_root: group \"digits\" asks for a transcript, expected 32 bytes, got 0"},
		"with a short root":           {true, func(m *types.MsgSubmitCheckpoint) { m.TranscriptRoot = m.TranscriptRoot[1:] }, "expected 32 bytes, got 31"},
		"without a cid":               {true, func(m *types.MsgSubmitCheckpoint) { m.TranscriptCid = "" }, "transcript_cid"},
		"nobody asks for":             {false, func(*types.MsgSubmitCheckpoint) {}, "asks for no transcript"},
		"a size that nobody asks for": {false, func(m *types.MsgSubmitCheckpoint) { m.TranscriptRoot, m.TranscriptCid = nil, "" }, "asks for no transcript"},
		"a cid that nobody asks for":  {false, func(m *types.MsgSubmitCheckpoint) { m.TranscriptRoot, m.TranscriptSize = nil, 0 }, "asks for no transcript"},
		"no transcript":               {false, func(m *types.MsgSubmitCheckpoint) { m.TranscriptRoot, m.TranscriptCid, m.TranscriptSize = nil, "", 0 }, ""},
	} {
		s := digitsSettings()
		if c.proved {
			prove(&s)
		}
		m := &types.MsgSubmitCheckpoint{
			Group: "digits", CheckpointCid: cid, CheckpointHash: bytes.Repeat([]byte{1}, 32), Size_: 1_000, Salt: make([]byte, 16),
			TranscriptRoot: bytes.Repeat([]byte{2}, 32), TranscriptCid: cid, TranscriptSize: 4_000,
		}
		c.change(m)
		err := s.CheckReveal(m)
		if c.says == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, types.ErrInvalidCheckpoint, name)
		require.ErrorContains(t, err, c.says, name)
	}
}
