#!/usr/bin/env bash
# Runs every native fuzz target for a while: scripts/fuzz.sh [TIME]
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-20s}
export CGO_ENABLED=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Minimizing what is merely new takes seconds per input with large files; a failing input is kept as it is found.
# cmd/pold and app are left to their seeds: instrumenting everything that they link takes longer than all other targets together.
for file in $(git grep -lE '^func Fuzz[A-Za-z0-9_]+\(' -- '*_test.go' ':!cmd/pold/' ':!app/' | sort); do
  package=./$(dirname "$file")
  for target in $(sed -nE 's/^func (Fuzz[A-Za-z0-9_]+)\(.*/\1/p' "$file"); do
    if ! go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1x >"$log" 2>&1; then
      cat "$log"
      echo "fuzz: $package $target found an input; it is kept under $package/testdata/fuzz" >&2
      exit 1
    fi
    echo "fuzz: $package $target: $(tail -n 1 "$log")"
  done
done
