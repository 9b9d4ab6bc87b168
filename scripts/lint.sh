#!/usr/bin/env bash
# Linters: vet for the platforms we care about, golangci-lint with the import rules of .golangci.yml, and buf.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
scripts/tools.sh golangci-lint buf
go vet ./...
GOARCH=arm64 go vet ./engine/... ./dataset/...
.tools/golangci-lint run --timeout 20m
.tools/buf lint
.tools/buf format --diff --exit-code proto >/dev/null || { echo "lint: proto files are not formatted, run: .tools/buf format -w proto" >&2; exit 1; }
