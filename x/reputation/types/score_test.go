package types_test

import (
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/reputation/types"
)

func TestWhatAReputationMeans(t *testing.T) {
	p := types.DefaultParams()
	for name, c := range map[string]struct {
		storage, model, conduct uint64
		factor                  uint64
		extra                   uint32
	}{
		"the worst":                      {0, 0, 0, 800_000, 3},
		"a newcomer":                     {500_000_000, 500_000_000, 500_000_000, 900_000, 2},
		"a newcomer who did one thing":   {500_000_000, 500_000_000, 500_000_002, 900_000, 1},
		"the best":                       {billion, billion, billion, 1_000_000, 0},
		"storage alone":                  {billion, 0, 0, 866_666, 3},
		"a trainer of some standing":     {500_000_000, 800_000_000, 850_000_000, 943_333, 1},
		"a trainer of standing":          {500_000_000, 900_000_000, 800_000_000, 946_666, 0},
		"just above a sixth":             {0, 166_666_667, 166_666_667, 822_222, 2},
		"a trainer after a forged audit": {500_000_000, 250_000_000, 250_000_000, 866_666, 2},
		"and after two":                  {500_000_000, 125_000_000, 125_000_000, 850_000, 3},
	} {
		s := types.Score{StorageE9: c.storage, ModelE9: c.model, ConductE9: c.conduct}
		require.Equal(t, c.factor, s.FactorE6(p), name)
		require.Equal(t, c.extra, s.ExtraSegments(p), name)
	}
}

// randomParams are valid and otherwise arbitrary.
func randomParams(r *rand.Rand) types.Params {
	rate := func() uint64 { return 1 + uint64(r.Intn(billion))>>r.Intn(30) }
	return types.Params{
		StorageRateE9: rate(), ModelRateE9: rate(), ConductRateE9: rate(), InitialE9: uint64(r.Intn(billion + 1)),
		HalfLifeSeconds: 1 + uint64(r.Intn(types.MaxHalfLife))>>r.Intn(30), MinFactorE6: types.MinFactorE6 + uint64(r.Intn(200_001)),
		MaxEvents: 1 + uint32(r.Intn(40)), MaxExtraSegments: uint32(r.Intn(types.MaxExtraSegments + 1)),
	}
}

func TestInvariantsOfAReputationUnderAnyHistory(t *testing.T) {
	for seed := range int64(100) {
		r := rand.New(rand.NewSource(seed))
		p := randomParams(r)
		require.NoError(t, p.Validate())
		s := p.NewScore("a", 0)
		for range 100 {
			old := s
			s = s.Apply(p, 1, s.UpdatedUnix+int64(wide(r)>>20), "task/1", randomChange(r), randomChange(r))
			require.NoError(t, s.Validate())
			require.Equal(t, old.Count+2, s.Count)
			require.LessOrEqual(t, len(s.Events), int(p.MaxEvents))
			require.GreaterOrEqual(t, s.FactorE6(p), p.MinFactorE6)
			require.LessOrEqual(t, s.FactorE6(p), uint64(types.Million))
			require.LessOrEqual(t, s.ExtraSegments(p), p.MaxExtraSegments)
			later := s.At(p, s.UpdatedUnix+int64(wide(r)>>20))
			require.NoError(t, later.Validate())
			if p.MaxEvents > 1 {
				require.Equal(t, s.Value(s.Events[len(s.Events)-1].Part), s.Events[len(s.Events)-1].AfterE9, "the last event is kept")
			}
			if r.Intn(10) == 0 {
				p = randomParams(r) // governance
			}
		}
	}
}

func randomChange(r *rand.Rand) types.Change {
	return types.Change{Part: types.Parts[r.Intn(3)], OutcomeE9: uint64(r.Intn(2) * billion), WeightE6: wide(r), Reason: "x"}
}

func TestFactorAndSegmentsFollowTheReputation(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	for range 5_000 {
		p := randomParams(r)
		s := types.Score{StorageE9: uint64(r.Intn(billion)), ModelE9: uint64(r.Intn(billion)), ConductE9: uint64(r.Intn(billion))}
		better := s
		better.StorageE9 += uint64(r.Intn(int(billion - s.StorageE9 + 1)))
		better.ModelE9 += uint64(r.Intn(int(billion - s.ModelE9 + 1)))
		better.ConductE9 += uint64(r.Intn(int(billion - s.ConductE9 + 1)))
		require.GreaterOrEqual(t, better.FactorE6(p), s.FactorE6(p))
		require.LessOrEqual(t, better.ExtraSegments(p), s.ExtraSegments(p))
	}
}

func TestReadingAReputationChangesNothing(t *testing.T) {
	p := types.DefaultParams()
	s := p.NewScore("a", 0).Apply(p, 1, 100, "task/1", types.Matched()...)
	first := s.At(p, 100+month)
	for now := int64(0); now < 12*month; now += month / 3 {
		s.At(p, now)
		s.Apply(p, 2, now, "task/2", types.SpotRight()...)
	}
	require.Equal(t, first, s.At(p, 100+month), "whatever was asked in between, in whatever order")
	require.Len(t, s.Events, 1)
	require.Equal(t, s, s.At(p, 50), "a time before the last change counts as it")
}

func TestEventsAreTrimmedSoThatBadOnesStayInSight(t *testing.T) {
	p := types.DefaultParams()
	p.MaxEvents = 4
	good, bad := types.Matched(), types.OfConduct("bad")
	for name, c := range map[string]struct{ history, want string }{
		"fewer than the bound":      {"gbg", "gbg"},
		"good ones push good ones":  {"bggggggg", "bggg"},
		"one lie long ago":          {"ggbgggggggggg", "bggg"},
		"bad ones push bad ones":    {"gbbbbbbb", "gbbb"},
		"half each":                 {"gggggbbbbb", "ggbb"},
		"half each, the other way":  {"bbbbbggggg", "bbgg"},
		"only good ones":            {"ggggggg", "gggg"},
		"only bad ones":             {"bbbbbbb", "bbbb"},
		"two bad ones among others": {"gggggbggbgg", "bbgg"},
	} {
		s := p.NewScore("a", 0)
		for i, h := range c.history {
			change := good
			if h == 'b' {
				change = bad
			}
			s = s.Apply(p, int64(i), int64(i), "", change...)
		}
		got := ""
		for i, e := range s.Events {
			got += map[bool]string{true: "b", false: "g"}[e.OutcomeE9 == 0]
			require.True(t, i == 0 || e.Height > s.Events[i-1].Height, "oldest first")
		}
		require.Equal(t, c.want, got, name)
		require.Equal(t, int64(len(c.history)-1), s.Events[len(s.Events)-1].Height, "the newest is there")
		require.Equal(t, uint64(len(c.history)), s.Count)
	}
}

func TestEventsAreTrimmedWhenTheBoundShrinks(t *testing.T) {
	p := types.DefaultParams()
	s := p.NewScore("a", 0)
	for range 40 {
		s = s.Apply(p, 1, 1, "", types.Matched()...)
	}
	require.Len(t, s.Events, 32)
	p.MaxEvents = 1
	s = s.Apply(p, 2, 2, "", types.OfConduct("bad")...)
	require.Len(t, s.Events, 1)
	require.Equal(t, "bad", s.Events[0].Reason)
}

func TestExplanation(t *testing.T) {
	p := types.DefaultParams()
	s := p.NewScore("a", 1_700_000_000).
		Apply(p, 7, 1_700_000_000, "task/1", types.Matched()...).
		Apply(p, 9, 1_700_000_100, "evidence/4", types.OfFault(1)...)
	require.Equal(t, []string{
		"storage 0.500: an outcome of weight 1 moves it by 2.00 %; without outcomes half of its distance to 0.500 is gone after 30 days",
		"  no events are kept",
		"model 0.252: an outcome of weight 1 moves it by 5.00 %; without outcomes half of its distance to 0.500 is gone after 30 days",
		"  2023-11-14 22:15:00, height 9: down to 0.252: committed to another answer than the settled one, weight 10.000 (evidence/4)",
		"  2023-11-14 22:13:20, height 7: up to 0.505: its witness was for the settled answer, weight 0.200 (task/1)",
		"conduct 0.250: an outcome of weight 1 moves it by 5.00 %; without outcomes half of its distance to 0.500 is gone after 30 days",
		"  2023-11-14 22:15:00, height 9: down to 0.250: committed to another answer than the settled one, weight 10.000 (evidence/4)",
	}, s.Explain(p))
	require.Equal(t, "vote factor 0.866 = 0.800 + 0.200 x 0.334, the mean of the three parts", s.ExplainFactor(p))
	require.Equal(t, "proves 2 segments more than the base count: 3 x (1 - 0.251, the mean of model and conduct), rounded to the nearest", s.ExplainSegments(p))
	p.HalfLifeSeconds = 90
	require.Contains(t, s.Explain(p)[0], "90 seconds")
	p.HalfLifeSeconds = 7_200
	require.Contains(t, s.Explain(p)[0], "2 hours")
}

func TestWhatGenesisRefuses(t *testing.T) {
	good := func() *types.GenesisState {
		g := types.DefaultGenesis()
		s := g.Params.NewScore("a", 0).Apply(g.Params, 1, 5, "task/1", types.SpotRight()...)
		g.Scores = []types.Score{s, g.Params.NewScore("b", 0)}
		return g
	}
	require.NoError(t, good().Validate())
	for want, spoil := range map[string]func(g *types.GenesisState){
		"half_life_seconds":               func(g *types.GenesisState) { g.Params.HalfLifeSeconds = 0 },
		"expected an address":             func(g *types.GenesisState) { g.Scores[0].Address = "" },
		"a appears twice":                 func(g *types.GenesisState) { g.Scores[1].Address = "a" },
		"storage: expected at most":       func(g *types.GenesisState) { g.Scores[1].StorageE9 = billion + 1 },
		"model: expected at most":         func(g *types.GenesisState) { g.Scores[1].ModelE9 = billion + 1 },
		"conduct: expected at most":       func(g *types.GenesisState) { g.Scores[1].ConductE9 = billion + 1 },
		"updated_unix: expected":          func(g *types.GenesisState) { g.Scores[1].UpdatedUnix = -1 },
		"no more than its count of 1":     func(g *types.GenesisState) { g.Scores[0].Count = 1 },
		"at most 256 events":              func(g *types.GenesisState) { g.Scores[0].Events = make([]types.Event, 257) },
		"event 1: unknown part 4":         func(g *types.GenesisState) { g.Scores[0].Events[1].Part = 4 },
		"event 0: expected at most":       func(g *types.GenesisState) { g.Scores[0].Events[0].AfterE9 = billion + 1 },
		"event 1: expected at most":       func(g *types.GenesisState) { g.Scores[0].Events[1].OutcomeE9 = billion + 1 },
		"event 0: expected times in":      func(g *types.GenesisState) { g.Scores[0].Events[0].Unix = 6 },
		"event 1: expected times in asce": func(g *types.GenesisState) { g.Scores[0].Events[1].Unix = 4 },
	} {
		g := good()
		spoil(g)
		require.ErrorContains(t, g.Validate(), want)
	}
}
