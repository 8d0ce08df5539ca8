#!/bin/sh
# Lock every ring's packages together, so that a package has one version everywhere. Hashes yes, download addresses no.
set -eu
cd "$(dirname "$0")"
all=$(mktemp)
trap 'rm -f "$all"' EXIT
compile() { uv pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 "$@"; }
compile bus.in edge.in local.in test.in -o "$all"
for ring in bus edge local test; do
    compile "$ring.in" -c "$all" --no-annotate -o "$ring.txt"
done
compile uv.in --no-annotate -o uv.txt
