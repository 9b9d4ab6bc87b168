#!/usr/bin/env bash
# Fills third_party/proto with the protos ours import, copied from the Go
# modules that go.mod already pins. The result is committed, so generating code
# needs neither the module cache nor a schema registry. Run it after upgrading
# the Cosmos SDK, CometBFT, gogoproto or grpc-gateway.
set -euo pipefail
cd "$(dirname "$0")/.."

dst="$PWD/third_party/proto"
rm -rf "$dst"
mkdir -p "$dst"

dir() { go list -m -f '{{.Dir}}' "$1"; }

# Module configuration protos have no go_package and stop the generators.
put() {
	local root=$1
	shift
	(cd "$root" && find "$@" -name '*.proto' \
		-not -path '*/module/v1*/*' \
		-not -path 'cosmos/app/*' \
		-not -path 'cosmos/autocli/*' \
		-not -path 'cosmos/orm/*' \
		-not -path 'cosmos/reflection/*' \
		-not -path 'cosmos/tx/config/*' \
		-exec cp --parents --no-preserve=mode -t "$dst" {} +)
}

go mod download github.com/cosmos/cosmos-sdk github.com/cometbft/cometbft \
	github.com/cosmos/cosmos-proto github.com/cosmos/gogoproto github.com/grpc-ecosystem/grpc-gateway
put "$(dir github.com/cosmos/cosmos-sdk)/proto" cosmos amino
put "$(dir github.com/cometbft/cometbft)/proto" tendermint
put "$(dir github.com/cosmos/cosmos-proto)/proto" cosmos_proto
put "$(dir github.com/cosmos/gogoproto)" gogoproto
put "$(dir github.com/grpc-ecosystem/grpc-gateway)/third_party/googleapis" google/api
