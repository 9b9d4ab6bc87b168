#!/usr/bin/env bash
# Generates the Go code of proto/ into the packages named by each go_package
# (x/<module>/types and sidecar/api). Generated files whose proto is gone are
# removed. Offline: the imports are in third_party/proto.
#
#   scripts/proto-gen.sh         # into this repository
#   scripts/proto-gen.sh DIR     # into DIR instead, same layout
set -euo pipefail
cd "$(dirname "$0")/.."

target=${1:-$PWD}
module=github.com/pold-network/pold

scripts/tools.sh buf protoc-gen-gocosmos protoc-gen-grpc-gateway
export PATH="$PWD/.tools:$PATH" BUF_CACHE_DIR="$PWD/.tools/cache"

buf build
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
buf generate --template buf.gen.yaml --output "$out"
generated="$out/.protogen/$module"
if [ ! -d "$generated" ]; then
	echo "scripts/proto-gen.sh: nothing was generated under $module; does every go_package start with it?" >&2
	exit 1
fi

for top in x sidecar; do
	if [ -d "$target/$top" ]; then
		find "$target/$top" -name '*.pb.go' -delete -o -name '*.pb.gw.go' -delete
	fi
done
(cd "$generated" && find . -type f -name '*.go' -exec gofmt -w {} + -exec cp --parents -t "$target" {} +)
