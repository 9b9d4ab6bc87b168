# pold: see README.md. `make` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

export CGO_ENABLED ?= 0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
SDK := github.com/cosmos/cosmos-sdk/version
LDFLAGS := -s -w -X $(SDK).Name=pold -X $(SDK).AppName=pold -X $(SDK).Version=$(VERSION)
GO_BUILD := go build -trimpath -ldflags "$(LDFLAGS)"
# Flags of `make devnet`, for example: make devnet DEVNET="--reset --rounds 3 --exit"
DEVNET ?=
# Flags of `make bench-engine`, for example: make bench-engine BENCH="-check -only gemm -threads 1"
BENCH ?=

## help: list the targets
help:
	@awk 'sub(/^## /, "") { name = $$0; sub(/:.*/, "", name); sub(/^[^:]*: /, ""); printf "  make %-12s %s\n", name, $$0 }' $(MAKEFILE_LIST)

## build: build/pold (node and command line) and build/trainerd (sidecar and trainer)
build: build/pold build/trainerd

build/pold build/trainerd: FORCE
	@mkdir -p build
	@echo "building $@ (the first time takes some minutes)"
	@$(GO_BUILD) -o $@ ./cmd/$(@F)

## devnet: build and run a whole network on this machine; DEVNET="--reset" starts afresh
devnet: build
	@build/pold devnet up $(DEVNET)

## test: everything that runs in memory, in minutes
test:
	@scripts/test.sh

## test-all: test, and what takes longer: many seeds, real processes, emulated arm64, generated code, linters
test-all:
	@scripts/test-all.sh

## lint: formatting, vet, linters and import rules
lint:
	@scripts/lint.sh

## proto: generate Go code and OpenAPI from proto/
proto:
	@scripts/proto-gen.sh
	@scripts/openapi.sh

## proto-check: fail if generated code is not current
proto-check:
	@scripts/proto-check.sh

## bench-engine: measure the engine against OpenBLAS, gonum and PyTorch (what is installed); BENCH="-check" fails on a missed goal
bench-engine:
	@scripts/bench-engine.sh $(BENCH)

## digests: train on every backend, number of threads and processor that this machine can run or emulate; fails if two bits differ
digests:
	@scripts/bench-engine.sh -only digests -json build/bench/digests.json

## bench-audit: measure what auditing a candidate costs a validator, against training it; BENCH="-check" fails on a missed goal
bench-audit:
	@scripts/bench-audit.sh $(BENCH)

## bench-governance: measure what votes cost a block, against coin transfers over the same store
bench-governance:
	@scripts/bench-governance.sh

## bench-overlay: measure how artefacts move between nodes, against Kubo, TCP, tuned bitswap and ideal times; BENCH="-check" fails on a missed goal
bench-overlay:
	@scripts/bench-overlay.sh $(BENCH)

## adversaries: make the processes of a devnet cheat one after the other and measure what it earns them
adversaries: build
	@scripts/adversaries.sh

## econ: play honest, copying, lazy, cartel and sybil agents through years of rounds with the real keepers; table, JSON and plots
econ:
	@scripts/econ.sh -check

## state-growth: measure how much state a round and a task leave, and that pruning bounds it
state-growth:
	@scripts/state-growth.sh

## vectors: write the known-answer files anew after a deliberate change of a definition
vectors:
	@go test ./engine -run Vectors -update

## clean: remove built files (the state of a devnet stays)
clean:
	@rm -rf build .tools

FORCE:
.PHONY: help build devnet test test-all lint proto proto-check bench-engine bench-audit bench-governance bench-overlay adversaries digests econ state-growth vectors clean FORCE
