#!/usr/bin/env bash
# Writes docs/openapi/pold.swagger.json, the OpenAPI 2 description of the
# queries of our own modules. The modules of the Cosmos SDK are left out: their
# description ships with the SDK.
#
#   scripts/openapi.sh         # into this repository
#   scripts/openapi.sh DIR     # into DIR/docs/openapi instead
set -euo pipefail
cd "$(dirname "$0")/.."

target=${1:-$PWD}
scripts/tools.sh buf protoc-gen-openapiv2
export PATH="$PWD/.tools:$PATH" BUF_CACHE_DIR="$PWD/.tools/cache"
buf generate --template buf.gen.openapi.yaml --output "$target"

# The generator takes the title from the first file it reads.
sed -i -e '0,/"title": ".*"/s//"title": "pold: queries of the modules attestation, pol, reputation, slashing and trainingset"/' \
	-e '0,/"version": "version not set"/s//"version": "v1"/' "$target/docs/openapi/pold.swagger.json"
