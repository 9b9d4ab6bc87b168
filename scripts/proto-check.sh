#!/usr/bin/env bash
# Fails when the generated Go code or the OpenAPI file in the repository is not
# exactly what the protos give today. Changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
scripts/proto-gen.sh "$fresh"
scripts/openapi.sh "$fresh"

stale=0
compare() {
	if ! cmp -s "$1" "$fresh/$1"; then
		echo "generated file $1 differs from what the protos give" >&2
		stale=1
	fi
}
while read -r file; do
	compare "${file#./}"
done < <(cd "$fresh" && find . -type f | sort)
while read -r file; do
	[ -e "$fresh/$file" ] || compare "$file"
done < <(find x sidecar \( -name '*.pb.go' -o -name '*.pb.gw.go' \) 2>/dev/null | sort)

if [ "$stale" -ne 0 ]; then
	echo "the generated code is out of date: run scripts/proto-gen.sh and scripts/openapi.sh, then commit the result" >&2
	exit 1
fi
