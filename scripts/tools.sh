#!/usr/bin/env bash
# Builds the pinned generators of tools/go.mod into .tools/, and only when they
# are missing or tools/ has changed since. Prints nothing when there is nothing
# to do. Arguments name the tools wanted; with none, all of them.
#
#   scripts/tools.sh            # everything
#   scripts/tools.sh buf        # just buf
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A package=( # the same list as the tool lines of tools/go.mod and tools/golangci/go.mod
	[buf]=github.com/bufbuild/buf/cmd/buf
	[protoc-gen-gocosmos]=github.com/cosmos/gogoproto/protoc-gen-gocosmos
	[protoc-gen-grpc-gateway]=github.com/grpc-ecosystem/grpc-gateway/protoc-gen-grpc-gateway
	[protoc-gen-openapiv2]=github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-openapiv2
	[golangci-lint]=github.com/golangci/golangci-lint/v2/cmd/golangci-lint
)
# The linter's dependencies conflict with those of the generators, so it has a module of its own.
declare -A folder=([golangci-lint]=tools/golangci)

wanted=("$@")
if [ ${#wanted[@]} -eq 0 ]; then
	wanted=("${!package[@]}")
fi

out="$PWD/.tools"
mkdir -p "$out"
# The stamp is a hash, not a time: a fresh clone has arbitrary file times.
pin=$(cat tools/go.mod tools/go.sum tools/golangci/go.mod tools/golangci/go.sum <(go env GOVERSION) | sha256sum | cut -d' ' -f1)

for name in "${wanted[@]}"; do
	path=${package[$name]:-}
	if [ -z "$path" ]; then
		echo "scripts/tools.sh: unknown tool $name; expected one of: ${!package[*]}" >&2
		exit 1
	fi
	if [ -x "$out/$name" ] && [ "$(cat "$out/$name.pin" 2>/dev/null)" = "$pin" ]; then
		continue
	fi
	echo "building $name" >&2
	(cd "${folder[$name]:-tools}" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$out/$name" "$path")
	echo "$pin" >"$out/$name.pin"
done
