package types_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

func TestGroupNames(t *testing.T) {
	for _, good := range []string{"g0", "digits", "a-group-with-the-longest-name-00"} {
		require.NoError(t, types.ValidateGroupName(good), good)
	}
	for _, bad := range []string{"", "g", "Digits", "0digits", "dig/its", "dig its", "digits\n", "a-group-with-the-longest-name-000"} {
		require.ErrorIs(t, types.ValidateGroupName(bad), types.ErrInvalidGroup, bad)
	}
}

// end adds a layer without settings to the model of a group.
func end(s *types.GroupSettings, kind string) {
	s.Model.Layers = append(s.Model.Layers, &types.Layer{Name: "end", Kind: kind})
}

func TestGroupSettingsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*types.GroupSettings)
		says   string // empty: accepted
	}{
		"as they are":          {func(*types.GroupSettings) {}, ""},
		"a broken model":       {func(s *types.GroupSettings) { s.Model.Layers = nil }, "expected 1 to 64 layers"},
		"a wrong training set": {func(s *types.GroupSettings) { s.TrainingSet = "Digits" }, `"Digits": expected 2 to 32`},
		"no objective":         {func(s *types.GroupSettings) { s.Objective = 0 }, "objective: expected cross-entropy (1), mean squared error (2) or binary cross-entropy (3), got 0"},
		"an objective to come": {func(s *types.GroupSettings) { s.Objective = 4 }, "objective: expected cross-entropy (1), mean squared error (2) or binary cross-entropy (3), got 4"},
		"mean squared error":   {func(s *types.GroupSettings) { s.Objective = types.OBJECTIVE_MEAN_SQUARED_ERROR }, ""},
		"binary cross-entropy": {func(s *types.GroupSettings) { s.Objective = types.OBJECTIVE_BINARY_CROSS_ENTROPY }, ""},
		"one class":            {func(s *types.GroupSettings) { s.Model.Layers[2].Units = 1 }, "objective: layer \"out\": cross-entropy needs at least 2 outputs, one per class, the model has 1"},
		"a softmax too many":   {func(s *types.GroupSettings) { end(s, "softmax") }, `layer "end": cross-entropy applies the softmax itself`},
		"a softmax for squares": {func(s *types.GroupSettings) {
			s.Objective = types.OBJECTIVE_MEAN_SQUARED_ERROR
			end(s, "softmax")
		}, ""},
		"a sigmoid too many": {func(s *types.GroupSettings) {
			s.Objective = types.OBJECTIVE_BINARY_CROSS_ENTROPY
			end(s, "sigmoid")
		}, `layer "end": binary cross-entropy applies the sigmoid itself`},
		"no evaluation":           {func(s *types.GroupSettings) { s.Evaluation = 0 }, "evaluation: expected TRAINING_SET (1), got 0"},
		"HOLDOUT":                 {func(s *types.GroupSettings) { s.Evaluation = 2 }, "evaluation: expected TRAINING_SET (1), got HOLDOUT (2): this release does not have it"},
		"SEALED":                  {func(s *types.GroupSettings) { s.Evaluation = 3 }, "evaluation: expected TRAINING_SET (1), got SEALED (3): this release does not have it"},
		"no proof":                {func(s *types.GroupSettings) { s.Proof = 0 }, "proof: expected SCORED (1), got 0"},
		"PROVED":                  {func(s *types.GroupSettings) { s.Proof = 2 }, "proof: expected SCORED (1), got PROVED (2): this release does not have it"},
		"a short commit phase":    {func(s *types.GroupSettings) { s.CommitBlocks = 9 }, "commit_blocks: expected 10 to 100000, got 9"},
		"a long reveal phase":     {func(s *types.GroupSettings) { s.RevealBlocks = 100_001 }, "reveal_blocks: expected 10 to 100000, got 100001"},
		"no nominal length":       {func(s *types.GroupSettings) { s.NominalSeconds = 0 }, "nominal_seconds: expected 1 to 86400, got 0"},
		"a long nominal length":   {func(s *types.GroupSettings) { s.NominalSeconds = 86_401 }, "nominal_seconds: expected 1 to 86400"},
		"no bond at all":          {func(s *types.GroupSettings) { s.CommitBond = math.Int{} }, "commit_bond: expected 0 or more unrn"},
		"a negative bond":         {func(s *types.GroupSettings) { s.CommitBond = math.NewInt(-1) }, "commit_bond: expected 0 or more unrn"},
		"a negative bounty":       {func(s *types.GroupSettings) { s.BountyPerRound = math.NewInt(-1) }, "bounty_per_round: expected 0 or more unrn"},
		"a sandbox with a bond":   {func(s *types.GroupSettings) { s.Sandbox = true }, "a sandbox group has none"},
		"a sandbox":               {func(s *types.GroupSettings) { s.Sandbox, s.CommitBond = true, math.ZeroInt() }, ""},
		"an allow list":           {func(s *types.GroupSettings) { s.AllowList = []string{account(1)} }, ""},
		"a wrong address":         {func(s *types.GroupSettings) { s.AllowList = []string{"cosmos1abc"} }, `allow_list: "cosmos1abc"`},
		"a list that is too long": {func(s *types.GroupSettings) { s.AllowList = make([]string, 257) }, "at most 256 accounts, got 257"},
		"a short seed":            {func(s *types.GroupSettings) { s.InitSeed = s.InitSeed[1:] }, "init_seed: expected 32 bytes, got 31"},
	} {
		s := digitsSettings()
		c.change(&s)
		_, err := s.Validate(types.DefaultParams())
		if c.says == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, c.says, name)
	}
}

func TestATableFitsAModelOrNot(t *testing.T) {
	for name, c := range map[string]struct {
		objective        types.Objective
		columns, targets uint32
		says             string
	}{
		"classes in one column":       {types.OBJECTIVE_CROSS_ENTROPY, 65, 1, ""},
		"one column per output":       {types.OBJECTIVE_MEAN_SQUARED_ERROR, 74, 10, ""},
		"one column per logit":        {types.OBJECTIVE_BINARY_CROSS_ENTROPY, 74, 10, ""},
		"a logit column is missing":   {types.OBJECTIVE_BINARY_CROSS_ENTROPY, 73, 9, "has 9 target columns, the model needs 10"},
		"two class columns":           {types.OBJECTIVE_CROSS_ENTROPY, 66, 2, "has 2 target columns, the model needs 1"},
		"a target column is missing":  {types.OBJECTIVE_MEAN_SQUARED_ERROR, 73, 9, "has 9 target columns, the model needs 10"},
		"a feature column is missing": {types.OBJECTIVE_CROSS_ENTROPY, 64, 1, "has 63 feature columns, the model has 64 inputs"},
		"a feature column too many":   {types.OBJECTIVE_CROSS_ENTROPY, 66, 1, "has 65 feature columns, the model has 64 inputs"},
	} {
		s := digitsSettings()
		s.Objective = c.objective
		shape, err := s.Model.Shape()
		require.NoError(t, err)
		err = s.Fits(shape, trainingsettypes.Table{Columns: c.columns, Targets: c.targets})
		if c.says == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, types.ErrInvalidGroup, name)
		require.ErrorContains(t, err, c.says, name)
	}
}

func TestAModelOfSequencesNeedsOneLabelForEachPosition(t *testing.T) {
	s := digitsSettings()
	s.Model = types.ModelSpec{InputShape: []uint32{16}, Layers: []*types.Layer{
		{Name: "tokens", Kind: "embedding", Units: 8, Vocabulary: 27}, {Name: "next", Kind: "linear", Units: 27}}}
	shape, err := s.Validate(types.DefaultParams())
	require.NoError(t, err)
	require.Equal(t, int64(16), shape.Labels)
	require.NoError(t, s.Fits(shape, trainingsettypes.Table{Columns: 32, Targets: 16}))
	require.ErrorContains(t, s.Fits(shape, trainingsettypes.Table{Columns: 17, Targets: 1}), "has 1 target columns, the model needs 16")
}

func TestAllowLists(t *testing.T) {
	s := digitsSettings()
	require.True(t, s.Allows(account(1)), "an empty list allows everybody")
	s.AllowList = []string{account(2), account(3)}
	require.True(t, s.Allows(account(3)))
	require.False(t, s.Allows(account(1)))
}
