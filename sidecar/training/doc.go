// Package training follows training runs, and carries out those that need no chain.
//
// Every run, in a round or alone:
//
//   - Monitor (monitor.go) is told of every step: it keeps the Curve (curve.go), writes the TensorBoard event file of the Run's folder
//     (run.go) and knows the Progress that Live (live.go) shows. Curve.WritePNG (plot.go) draws it.
//
// Runs without a chain:
//
//   - Examples are rows to learn from: a table (examples.go) or a text cut into rows of characters (text.go).
//   - A model comes from a file (spec.go) or is built for the examples (architecture.go).
//   - Job (fit.go) trains it. Weights and figures are the same on every machine, as everything that package engine computes; only what is
//     shown (speed, time left) depends on the machine.
//   - generate.go continues a text with a model that has learned one.
package training
