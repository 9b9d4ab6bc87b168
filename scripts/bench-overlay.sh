#!/usr/bin/env bash
# Measures how artefacts move between nodes of the overlay, against Kubo (the stock IPFS node), a TCP copy, tuned bitswap and ideal times:
# a table, and build/bench/overlay.json. Arguments go to the benchmark, for example: -check, -only loopback,crowd, -large. The first run
# builds Kubo from its module source, which takes some minutes; where it can't be had, its rows are left out.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v go >/dev/null 2>&1 || { echo "bench-overlay: go is missing; install Go 1.26 from https://go.dev/dl" >&2; exit 1; }
export CGO_ENABLED=0
kubo=github.com/ipfs/kubo@v0.43.0
mkdir -p build/bench build/kubo
if [ ! -x build/kubo/ipfs ]; then
  echo "bench-overlay: building $kubo as a peer (once, some minutes)"
  binary=$PWD/build/kubo/ipfs
  # From where its source lies: a module can only be installed by name where the registry lists versions.
  (cd / && go mod download "$kubo" && cd "$(go env GOMODCACHE)/$kubo" && go build -p 1 -mod=readonly -trimpath -ldflags "-s -w" -o "$binary.new" ./cmd/ipfs && mv "$binary.new" "$binary") ||
    echo "bench-overlay: Kubo can't be built here, so its rows are not measured" >&2
fi
go build -trimpath -ldflags "-s -w" -o build/bench/overlay-bench ./testutil/overlaybench
exec build/bench/overlay-bench "$@"
