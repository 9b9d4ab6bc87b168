#!/usr/bin/env bash
# Plays years of rounds with the keepers of the chain and agents of many strategies: a table, build/bench/econ.json and plots in
# build/bench/econ. Arguments go to the simulator, for example: -check, -seed 7, -training-cost 20. See docs/explanation/economics.md.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
command -v go >/dev/null 2>&1 || { echo "econ: go is missing; install Go 1.26 from https://go.dev/dl" >&2; exit 1; }
mkdir -p build/bench
go build -trimpath -ldflags "-s -w" -o build/bench/econ-sim ./testutil/econ/program
exec build/bench/econ-sim -json build/bench/econ.json -plots build/bench/econ "$@"
