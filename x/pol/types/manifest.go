package types

// NewScoreManifest pins what the score of a checkpoint of a round depends on; an empty trainer means the parent.
func NewScoreManifest(chainID string, g Group, r Round, trainer string, c Checkpoint) *ScoreManifest {
	m := &ScoreManifest{
		ChainId: chainID, Group: r.Group, Round: r.Number, ModelVersion: r.ModelVersion, Model: g.Settings.Model,
		Objective: g.Settings.Objective, Evaluation: g.Settings.Evaluation,
		TrainingSet: r.TrainingSet, TrainingSetVersion: r.TrainingSetVersion, Table: r.Table,
		CheckpointCid: c.Cid, CheckpointHash: c.Sha256, CheckpointSize: c.Size_, EngineVersion: r.EngineVersion,
		ScoreSeed: r.ScoreSeed,
	}
	switch {
	case trainer != "":
		m.MappingSeed = g.MappingSeed(chainID, r.Number, trainer)
	case c.Cid == "":
		m.InitSeed, m.Carried = g.Settings.InitSeed, r.Carried
		m.MappingSeed = g.MappingSeed(chainID, 0, "")
	default:
		m.MappingSeed = c.MappingSeed
	}
	if !r.KeysWithheld { // one batch less would be another evaluation
		m.Batches = r.Batches
	}
	return m
}

// NewAuditManifest pins what the audit of a revealed checkpoint depends on, but for the segments to replay.
func NewAuditManifest(chainID string, g Group, r Round, s Submission) *AuditManifest {
	c := Checkpoint{Cid: s.CheckpointCid, Sha256: s.CheckpointHash, Size_: s.Size_}
	parent := r.Parent
	m := &AuditManifest{
		Score: *NewScoreManifest(chainID, g, r, s.Trainer, c), Trainer: s.Trainer,
		TranscriptCid: s.TranscriptCid, TranscriptRoot: s.TranscriptRoot, TranscriptSize: s.TranscriptSize,
		OrderSeed: r.OrderSeed, AuditSeed: r.AuditSeed, Segments: g.Settings.Segments, Recipe: g.Settings.Recipe,
	}
	if parent.Cid == "" {
		m.InitSeed, m.Carried = g.Settings.InitSeed, r.Carried
		parent.MappingSeed = g.MappingSeed(chainID, 0, "")
	}
	m.Parent = parent
	return m
}

// MappingSeed returns the seed of a trainer's secure mapping layer in a round, or of that of the initial weights for round 0
// and no trainer; nil in groups without.
func (g Group) MappingSeed(chainID string, round uint64, trainer string) []byte {
	if !g.Settings.Mapping {
		return nil
	}
	return MappingSeed(chainID, g.Name, round, trainer)
}
