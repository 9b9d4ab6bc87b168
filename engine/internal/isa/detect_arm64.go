package isa

// detect returns the levels above Portable. Go itself does not start on an arm64 processor without NEON.
func detect() []Level { return []Level{NEON} }
