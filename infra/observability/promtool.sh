#!/bin/sh
# infra/observability/promtool.sh: puts promtool, which tests the alerting rules, into build/promtool/. It comes out of Debian's
# package `prometheus`, which is not installed: no server, no user, nothing that starts. Quick when it is there.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd -P)
place=$root/build/promtool
[ ! -x "$place/promtool" ] || exit 0
if command -v promtool >/dev/null; then
    mkdir -p "$place"
    ln -sf "$(command -v promtool)" "$place/promtool"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"
apt-get download -qq prometheus >apt.log 2>&1 ||
    { apt-get update -qq && apt-get download -qq prometheus; } >apt.log 2>&1 ||
    { cat apt.log >&2; echo "promtool: Debian's package prometheus could not be had; apt-get update, then run this again" >&2; exit 1; }
dpkg-deb --fsys-tarfile prometheus_*.deb | tar x ./usr/bin/promtool
mkdir -p "$place"
mv usr/bin/promtool "$place/promtool"
