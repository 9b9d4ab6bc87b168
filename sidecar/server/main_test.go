package server

import (
	"os"
	"testing"

	"github.com/pold-network/pold/engine"
)

// TestMain starts the engine's workers before the first test: in a bubble of testing/synctest they would be part of it and never end.
func TestMain(m *testing.M) {
	if err := engine.Configure(engine.Config{}); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
