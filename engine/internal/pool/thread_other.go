//go:build !amd64 && !arm64

package pool

import (
	"runtime"
	"sync/atomic"
)

// spinTicks is how often a worker looks for work before it sleeps.
const spinTicks = 10_000

var turns atomic.Uint64

// ticks counts its calls: there is no counter that every processor can read.
func ticks() uint64 { return turns.Add(1) }

// goroutine returns a number that no other living goroutine has, read from the first line of its stack trace, "goroutine 123 [running]:".
func goroutine() uintptr {
	var line [64]byte
	n := uintptr(0)
	for _, c := range line[len("goroutine "):runtime.Stack(line[:], false)] {
		if c < '0' || c > '9' {
			break
		}
		n = 10*n + uintptr(c-'0')
	}
	return n
}
