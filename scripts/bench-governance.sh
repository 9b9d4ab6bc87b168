#!/usr/bin/env bash
# Measures what votes cost a block: 1,000 groups whose periods end together, and a group with 10,000 stakeholders and 1,000 open
# proposals, against coin transfers over the same store. Rows: build/bench/governance.json.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v go >/dev/null 2>&1 || { echo "bench-governance: go is missing; install Go 1.26 from https://go.dev/dl" >&2; exit 1; }
POLD_GOVERNANCE_JSON="$PWD/build/bench/governance.json" CGO_ENABLED=0 \
  go test -count=1 -v -ldflags "-s -w" -timeout 30m -run TestWhatVotesCostABlock ./testutil/governancebench
