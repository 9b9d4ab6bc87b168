#!/usr/bin/env bash
# Measures the engine against OpenBLAS, gonum and PyTorch and checks that all its backends give the same bits: a table, and
# build/bench/engine.json. Arguments go to the benchmark, for example: -check, -only gemm,train, -threads 1. See docs/reference/benchmarks.md.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
command -v go >/dev/null 2>&1 || { echo "bench-engine: go is missing; install Go 1.26 from https://go.dev/dl" >&2; exit 1; }
mkdir -p build/bench
go build -trimpath -ldflags "-s -w" -o build/bench/engine-bench ./engine/internal/bench
exec build/bench/engine-bench "$@"
