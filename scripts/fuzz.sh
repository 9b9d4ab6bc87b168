#!/usr/bin/env bash
# Runs every native fuzz target for a while: scripts/fuzz.sh [TIME]
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-20s}
export CGO_ENABLED=0
git grep -lE '^func Fuzz[A-Za-z]+\(' -- '*_test.go' | sort | while read -r file; do
  dir=$(dirname "$file")
  sed -nE 's/^func (Fuzz[A-Za-z0-9_]+)\(.*/\1/p' "$file" | while read -r target; do
    echo "fuzz: $dir $target"
    go test "./$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$time" >/tmp/pold-fuzz.$$ 2>&1 || { cat /tmp/pold-fuzz.$$; exit 1; }
    tail -n 1 /tmp/pold-fuzz.$$
  done
done
rm -f /tmp/pold-fuzz.$$
