#!/usr/bin/env bash
# Measures the state of a whole chain with random behaviour over several retentions: a table of bytes by collection, and
# build/bench/state.json. Fails if something grows that is not kept for ever by design.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v go >/dev/null 2>&1 || { echo "state-growth: go is missing; install Go 1.26 from https://go.dev/dl" >&2; exit 1; }
echo "state-growth: runs 1,400 blocks, a minute or two after building"
POLD_LONG=1 POLD_STATE_JSON="$PWD/build/bench/state.json" CGO_ENABLED=0 \
  go test -count=1 -v -ldflags "-s -w" -run TestStateStopsGrowingAfterTheRetention ./testutil/simulation
