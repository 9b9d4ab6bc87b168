#!/usr/bin/env bash
# The long tier: what scripts/test.sh runs with more seeds, fuzzing, emulated arm64, the race detector, real processes,
# generated code and linters. At most 90 minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "in-memory tests"
scripts/test.sh

step "long tests: many seeds, other CPUs, real processes"
make --no-print-directory build
command -v qemu-aarch64-static >/dev/null 2>&1 || echo "test-all: qemu-aarch64-static is missing (Debian: qemu-user-static), so the arm64 equality tests are skipped"
/usr/bin/env python3 -c 'import torch' 2>/dev/null || /usr/bin/python3 -c 'import torch' 2>/dev/null || \
  echo "test-all: PyTorch is missing (Debian: python3-torch), so the comparison of every layer with it is skipped"
POLD_LONG=1 CGO_ENABLED=0 go test -p 1 -ldflags "-s -w" -timeout 60m ./...

step "fuzzing, 10 seconds a target"
scripts/fuzz.sh 10s

if command -v gcc >/dev/null 2>&1; then
  step "race detector on the packages that use goroutines"
  CGO_ENABLED=1 go test -race -timeout 30m ./engine ./engine/internal/pool ./engine/internal/gemm ./sidecar/swarm ./sidecar/server ./sidecar/trainer ./sidecar/verifier
else
  echo "test-all: gcc is missing, so the race detector is skipped"
fi

step "generated code is current"
scripts/proto-check.sh

step "linters"
scripts/lint.sh

step "artefacts of 4 GiB: memory and CPU time of both ends"
scripts/bench-overlay.sh -only large -check -json build/bench/overlay-large.json

printf '\ntest-all: everything passed\n'
