package pool

// spinTicks is how long a worker looks for work before it sleeps: 0.15 to 0.35 ms, as the time stamp counters of these processors run
// at 2 to 4.5 GHz.
const spinTicks = 700_000
