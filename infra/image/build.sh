#!/bin/sh
# infra/image/build.sh [SERVICE…]: builds these images (every one unless named) as $PREFIX/<service>:$TAG.
#   PREFIX=tongban  TAG=0.1.0  BASE=python:3.11-slim-bookworm
#   PIP_CONF=FILE       pip's configuration, where packages come from another index than its own; it is in no layer
#   BUILD_OPTIONS       more options of `docker build`, for example --network=host
# Packages are taken from build/wheels without any index where that folder is there.
set -eu
cd "$(dirname "$0")/../.."
export DOCKER_BUILDKIT=1
tag=${TAG:-0.1.0}
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
offline=
[ ! -d build/wheels ] || offline=1
list=$(python3 infra/image/tree.py --list)
[ $# -gt 0 ] || set -- $(echo "$list" | cut -d' ' -f1)
for service in "$@"; do
    ring=$(echo "$list" | sed -n "s/^$service \([a-z]*\) .*/\1/p")
    [ -n "$ring" ] || { echo "there is no image $service" >&2; exit 2; }
    echo "== ${PREFIX:-tongban}/$service:$tag" >&2
    # shellcheck disable=SC2086 # a list of options
    docker build --quiet ${BUILD_OPTIONS:-} --file infra/image/Dockerfile --tag "${PREFIX:-tongban}/$service:$tag" \
        --build-arg SERVICE="$service" --build-arg RING="$ring" --build-arg VERSION="$tag" --build-arg REVISION="$revision" \
        ${BASE:+--build-arg BASE="$BASE"} ${offline:+--build-arg PIP_NO_INDEX=1} ${PIP_CONF:+--secret id=pip,src="$PIP_CONF"} .
done
