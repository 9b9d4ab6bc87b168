//go:build amd64 || arm64

package pool

// goroutine returns a number that no other living goroutine has.
func goroutine() uintptr

// ticks rests for a moment, as a spinning loop should, and returns a counter of constant frequency. It measures only how long a
// worker looks for work.
func ticks() uint64
