#!/usr/bin/env bash
# Measures what the audit of a candidate costs a validator against the training that it checks, and the chance that a forged segment
# is seen. Rows: build/bench/audit.json.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v go >/dev/null 2>&1 || { echo "bench-audit: go is missing; install Go 1.26 from https://go.dev/dl" >&2; exit 1; }
export CGO_ENABLED=0
mkdir -p build/bench
go build -trimpath -ldflags "-s -w" -o build/bench/audit-bench ./testutil/auditbench
exec build/bench/audit-bench "$@"
