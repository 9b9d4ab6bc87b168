// Package verifier computes the answers on which validators vote: the score of a checkpoint, the content of a training set, and the table
// that a delta leads to.
//
// An answer is a function of the pinned inputs of a task (its manifest) and nothing else: no clock, no network, no neighbour, no
// configuration. Whatever keeps a machine from computing it (missing bytes, another engine version, a table that is not the pinned
// one) is an error, and an error means that the validator abstains. A faulty checkpoint is not an error: "not canonical", "wrong
// shape" and "not finite" are answers like any other, and every validator finds the same one. So is a delta that does not apply.
//
//   - score.go evaluates weights; initial.go makes those that a lineage starts from, with what they keep of an earlier model.
//   - audit.go and replay.go train segments of a transcript again, replayall.go all of it.
//   - store.go produces drawn chunks of a file.
//   - checkdata.go reads a registered table, checkdelta.go applies a delta to one; data.go and values.go make rows of a table.
//
// Start with Verifier.Score and CheckData. Trainers use Verifier.Evaluate to learn the exact loss they have to claim. Anybody can do a
// whole proof of training again with Verifier.ReplayTranscript, and check what a validator is accused of with Verifier.CheckEvidence.
package verifier
