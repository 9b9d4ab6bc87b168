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

// prove asks for transcripts.
func prove(s *types.GroupSettings) {
	s.Proof, s.Segments, s.Recipe = types.PROOF_MODE_PROVED, 10, types.RecipeBounds{MaxSteps: 100}
}

// seal evaluates on the batches of some accounts.
func seal(s *types.GroupSettings, providers ...byte) {
	s.Evaluation = types.EVALUATION_MODE_SEALED
	for _, n := range providers {
		s.Providers = append(s.Providers, account(n))
	}
}

// mapped puts a secure mapping layer in front of the model.
func mapped(s *types.GroupSettings) {
	s.Mapping = true
	s.Model.Layers = append([]*types.Layer{{Name: "map", Kind: "sml"}}, s.Model.Layers...)
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
		"no evaluation":                {func(s *types.GroupSettings) { s.Evaluation = 0 }, "evaluation: expected TRAINING_SET (1), HOLDOUT (2) or SEALED (3), got 0"},
		"an evaluation to come":        {func(s *types.GroupSettings) { s.Evaluation = 4 }, "or SEALED (3), got 4"},
		"HOLDOUT without proof":        {func(s *types.GroupSettings) { s.Evaluation = 2 }, "HOLDOUT (2) needs proof mode PROVED (2)"},
		"HOLDOUT":                      {func(s *types.GroupSettings) { prove(s); s.Evaluation = 2 }, ""},
		"SEALED":                       {func(s *types.GroupSettings) { seal(s, 1) }, ""},
		"SEALED and PROVED":            {func(s *types.GroupSettings) { seal(s, 1, 2, 3, 4, 5, 6, 7, 8); prove(s) }, ""},
		"SEALED without providers":     {func(s *types.GroupSettings) { seal(s) }, "providers: expected 1 to 8 accounts, got 0"},
		"nine providers":               {func(s *types.GroupSettings) { seal(s, 1, 2, 3, 4, 5, 6, 7, 8, 9) }, "providers: expected 1 to 8 accounts, got 9"},
		"a provider twice":             {func(s *types.GroupSettings) { seal(s, 1, 2, 1) }, "stands there twice"},
		"a provider of elsewhere":      {func(s *types.GroupSettings) { seal(s, 1); s.Providers[0] = "cosmos1abc" }, `providers: "cosmos1abc"`},
		"providers of nothing":         {func(s *types.GroupSettings) { s.Providers = []string{account(1)} }, "providers: only evaluation mode SEALED has some, got 1"},
		"no proof":                     {func(s *types.GroupSettings) { s.Proof = 0 }, "proof: expected SCORED (1) or PROVED (2), got 0"},
		"a proof to come":              {func(s *types.GroupSettings) { s.Proof = 3 }, "proof: expected SCORED (1) or PROVED (2), got 3"},
		"PROVED":                       {prove, ""},
		"PROVED without segments":      {func(s *types.GroupSettings) { prove(s); s.Segments = 0 }, "segments: expected 1 to 64, got 0"},
		"65 segments":                  {func(s *types.GroupSettings) { prove(s); s.Segments = 65 }, "segments: expected 1 to 64, got 65"},
		"64 segments":                  {func(s *types.GroupSettings) { prove(s); s.Segments = 64 }, ""},
		"segments without steps":       {func(s *types.GroupSettings) { prove(s); s.Recipe.MaxSteps = 9 }, "segments: expected at most recipe.max_steps, 9, got 10"},
		"segments without proof":       {func(s *types.GroupSettings) { s.Segments = 1 }, "segments: proof mode SCORED has no transcripts, expected 0, got 1"},
		"a recipe without proof":       {func(s *types.GroupSettings) { s.Recipe.MinSteps = 1 }, "recipe: proof mode SCORED can't see"},
		"a recipe without end":         {func(s *types.GroupSettings) { prove(s); s.Recipe.MaxSteps = 0 }, "recipe.max_steps: expected more than 0"},
		"steps beyond the engine":      {func(s *types.GroupSettings) { prove(s); s.Recipe.MaxSteps = 1<<24 + 1 }, "recipe: steps: expected at most 16777216, got 0 to 16777217"},
		"steps of no recipe":           {func(s *types.GroupSettings) { prove(s); s.Recipe.MinSteps = 101 }, "recipe: steps: expected min <= max, got 101 and 100"},
		"batches of no recipe":         {func(s *types.GroupSettings) { prove(s); s.Recipe.MinBatchSize, s.Recipe.MaxBatchSize = 9, 8 }, "recipe: batch_size: expected min <= max, got 9 and 8"},
		"batches beyond the engine":    {func(s *types.GroupSettings) { prove(s); s.Recipe.MinBatchSize = 65_537 }, "recipe: batch_size: expected at most 65536"},
		"batches of at least one size": {func(s *types.GroupSettings) { prove(s); s.Recipe.MinBatchSize = 32 }, ""},
		"rates of no recipe":           {func(s *types.GroupSettings) { prove(s); s.Recipe.MinLearningRateE9, s.Recipe.MaxLearningRateE9 = 2, 1 }, "recipe: learning_rate_e9: expected min <= max, got 2 and 1"},
		"an unknown optimiser":         {func(s *types.GroupSettings) { prove(s); s.Recipe.Optimizers = []string{"adam", "lion"} }, `recipe.optimizers: expected some of sgd, nesterov, adam, adamw, got "lion"`},
		"an optimiser twice":           {func(s *types.GroupSettings) { prove(s); s.Recipe.Optimizers = []string{"adam", "adam"} }, `"adam" stands there twice`},
		"all optimisers": {func(s *types.GroupSettings) {
			prove(s)
			s.Recipe.Optimizers = []string{"sgd", "nesterov", "adam", "adamw"}
		}, ""},
		"max_steps beside PROVED":   {func(s *types.GroupSettings) { prove(s); s.MaxSteps = 1 }, ""},
		"a mapping without a layer": {func(s *types.GroupSettings) { s.Mapping = true }, `the option mapping needs a first layer of kind "sml", got "dense"`},
		"a layer without a mapping": {func(s *types.GroupSettings) { mapped(s); s.Mapping = false }, `only groups with the option mapping can use kind "sml"`},
		"a mapping":                 {mapped, ""},
		"a short commit phase":      {func(s *types.GroupSettings) { s.CommitBlocks = 9 }, "commit_blocks: expected 10 to 100000, got 9"},
		"a long reveal phase":       {func(s *types.GroupSettings) { s.RevealBlocks = 100_001 }, "reveal_blocks: expected 10 to 100000, got 100001"},
		"no nominal length":         {func(s *types.GroupSettings) { s.NominalSeconds = 0 }, "nominal_seconds: expected 1 to 86400, got 0"},
		"a long nominal length":     {func(s *types.GroupSettings) { s.NominalSeconds = 86_401 }, "nominal_seconds: expected 1 to 86400"},
		"no bond at all":            {func(s *types.GroupSettings) { s.CommitBond = math.Int{} }, "commit_bond: expected 0 or more unrn"},
		"a negative bond":           {func(s *types.GroupSettings) { s.CommitBond = math.NewInt(-1) }, "commit_bond: expected 0 or more unrn"},
		"a negative bounty":         {func(s *types.GroupSettings) { s.BountyPerRound = math.NewInt(-1) }, "bounty_per_round: expected 0 or more unrn"},
		"a sandbox with a bond":     {func(s *types.GroupSettings) { s.Sandbox = true }, "a sandbox group has none"},
		"a sandbox":                 {func(s *types.GroupSettings) { s.Sandbox, s.CommitBond = true, math.ZeroInt() }, ""},
		"an allow list":             {func(s *types.GroupSettings) { s.AllowList = []string{account(1)} }, ""},
		"a wrong address":           {func(s *types.GroupSettings) { s.AllowList = []string{"cosmos1abc"} }, `allow_list: "cosmos1abc"`},
		"a list that is too long":   {func(s *types.GroupSettings) { s.AllowList = make([]string, 257) }, "at most 256 accounts, got 257"},
		"a short seed":              {func(s *types.GroupSettings) { s.InitSeed = s.InitSeed[1:] }, "init_seed: expected 32 bytes, got 31"},
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

func TestHoldoutNeedsRowsThatAreHeldBack(t *testing.T) {
	s := digitsSettings()
	prove(&s)
	s.Evaluation = types.EVALUATION_MODE_HOLDOUT
	shape, err := s.Shape()
	require.NoError(t, err)
	table := trainingsettypes.Table{Columns: 65, Targets: 1}
	require.ErrorContains(t, s.Fits(shape, table), `training set "digits" holds no rows back`)
	table.ValidationPermille = 1
	require.NoError(t, s.Fits(shape, table))
}
