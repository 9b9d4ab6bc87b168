#!/usr/bin/env bash
# Linters: vet for every platform we build for, and golangci-lint with the import rules of .golangci.yml.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
go vet ./...
GOARCH=arm64 go vet ./engine/... ./dataset/...
tools=$(scripts/tools.sh golangci-lint)
"$tools/golangci-lint" run --timeout 20m
for command in buf; do
  tools=$(scripts/tools.sh "$command")
  "$tools/buf" lint
done
