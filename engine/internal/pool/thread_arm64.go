package pool

// counterFrequency returns the ticks per second.
func counterFrequency() uint64

// spinTicks is how long a worker looks for work before it sleeps: 0.25 ms.
var spinTicks = counterFrequency() / 4000
