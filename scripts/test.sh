#!/usr/bin/env bash
# Everything that runs in memory: unit tests, fuzz seeds, whole-app tests. Longer tiers: scripts/test-all.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

need() { command -v "$1" >/dev/null 2>&1 || { echo "test: $1 is missing; $2" >&2; exit 1; }; }
need go "install Go 1.26 from https://go.dev/dl"
command -v python3 >/dev/null 2>&1 || echo "test: python3 is missing, so the tests of client/python are skipped"

echo "test: formatting"
unformatted=$(git ls-files -z '*.go' | grep -zvE '\.pb(\.gw)?\.go$' | xargs -0 gofmt -l)
if [ -n "$unformatted" ]; then
  echo "test: not formatted, run gofmt -w on:" >&2
  echo "$unformatted" >&2
  exit 1
fi

# Two packages at a time: a test binary that links the SDK takes 1 to 2 GB while it is linked.
echo "test: packages (an empty build cache makes this take some minutes)"
CGO_ENABLED=0 go test -p 2 -ldflags "-s -w" -timeout 20m ./...
