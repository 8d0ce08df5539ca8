#!/bin/sh
# Keeps the contracts of today as baseline.json, which tests/contract holds every later change against (buf breaking):
# run it with a release, never to make a breaking change pass. A district may run the previous release beside this one.
set -eu
cd "$(dirname "$0")"
"${BUF:-../build/venv/bin/buf}" build . --exclude-source-info -o baseline.json
