#!/usr/bin/env bash
# Real processes of a devnet that cheat, each way on a fresh network: a table and build/bench/adversaries.json. About a minute each.
# Arguments go to the program, for example: -only wrong-score,skipped-step
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x build/pold ] && [ -x build/trainerd ] || { echo "adversaries: build/pold or build/trainerd is missing; build them with: make build" >&2; exit 1; }
export CGO_ENABLED=0
go build -o build/bench/adversaries ./testutil/adversaries/processes
exec build/bench/adversaries "$@"
