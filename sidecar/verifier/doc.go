// Package verifier computes the answers on which validators vote: the score of a checkpoint and the content of a training set.
//
// An answer is a function of the pinned inputs of a task (its manifest) and nothing else: no clock, no network, no neighbour, no
// configuration. Whatever keeps a machine from computing it (missing bytes, another engine version, a table that is not the pinned
// one) is an error, and an error means that the validator abstains. A faulty checkpoint is not an error: "not canonical", "wrong
// shape" and "not finite" are answers like any other, and every validator finds the same one.
//
// Start with Verifier.Score and CheckData. Trainers use Verifier.Evaluate to learn the exact loss they have to claim. Anybody can do a
// whole proof of training again with Verifier.ReplayTranscript, and check what a validator is accused of with Verifier.CheckEvidence.
package verifier
