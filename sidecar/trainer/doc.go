// Package trainer competes in the rounds of training groups: it trains from the last checkpoint, commits to the result, reveals it and
// waits for the verdict.
//
//   - Trainer.Run (trainer.go) takes part in round after round of some groups; Trainer.Submit (submit.go) hands in one finished file.
//   - train.go turns a parent, a table and a recipe into a candidate with its exact loss, computed by the validators' own code.
//   - curves.go has the event files of the last rounds written (package training).
//   - contend.go is the life of a commitment: commit, reveal, settle. It looks at the chain before every move, so it can be resumed
//     anywhere.
//   - journal.go keeps salt and checkpoint on disk before anything is committed: a crash costs no bond.
//   - event.go and output.go tell people and programs what happens.
//
// A checkpoint's CID is announced to nobody before it is revealed.
package trainer
