// Package bench is the form of every benchmark of this project: a table of ratios, each measured within one run, and the same rows as
// JSON. It never fails because of a clock; a command decides what to do with a missed goal.
//
//   - Measure runs contenders in alternating slots, so that a neighbour on the machine or a change of the clock meets all of them.
//   - Peer is a contender in a Python process of its own (numpy, PyTorch).
//   - Report collects rows, prints the table and writes the JSON file.
//
// A ratio says how many times better ours is than the peer, whatever the unit: a goal of 1.5 always means "at least 1.5".
package bench
