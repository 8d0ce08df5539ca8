#!/bin/sh
# Writes the Python package of the contracts into proto/python. `generate.sh --check` fails when what stands there differs.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}
out=python
if [ "${1:-}" = "--check" ]; then
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
fi
mkdir -p "$out"
find "$out" -name '*_pb2*' -delete
"$python" -m grpc_tools.protoc -I . --python_out="$out" --pyi_out="$out" $(find tongban -name '*.proto' | sort)
if [ "$out" != python ]; then
    diff -r -x __pycache__ -x pyproject.toml -x '*.egg-info' python "$out" || { echo "The generated contracts differ from proto/: run 'make proto'." >&2; exit 1; }
fi
