#!/bin/sh
# infra/image/base.sh KIND [TAR]: makes a base image from Debian's packages and gives it the tag that Dockerfile, compose file
# and chart use, for where nothing can be pulled. KIND: python, rabbitmq, postgres. With TAR it writes the root file system
# there and asks no engine for anything. Needs root and debootstrap.
#   MIRROR  Debian's mirror; the one that this machine's apt uses unless given
#   TAG     another tag than the usual one
set -eu
umask 022
suite=bookworm
kind=${1:-}
case $kind in
python)
    packages="python3.11 python3.11-venv ca-certificates netbase tzdata"
    tag=python:3.11-slim-bookworm
    command='["python3.11"]'
    ;;
rabbitmq)
    packages="rabbitmq-server"
    tag=rabbitmq:4.1
    command='["rabbitmq-server"]'
    ;;
postgres)
    packages="postgresql-15"
    tag=postgres:15
    command='["postgres"]'
    ;;
*)
    sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
[ "$(id -u)" -eq 0 ] || { echo "base.sh: must be root: debootstrap makes a root file system" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "base.sh: apt-get install debootstrap" >&2; exit 2; }
# shellcheck disable=SC2016 # apt's own placeholders
mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Codename: $suite" 'Component: main' | head -n1)}
[ -n "$mirror" ] || { echo "base.sh: this machine's apt names no mirror of $suite: set MIRROR" >&2; exit 2; }

root=$(mktemp -d "${TMPDIR:-/var/tmp}/tongban-base.XXXXXX")
trap 'rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' INT TERM HUP
chmod 755 "$root"
debootstrap --variant=minbase "$suite" "$root" "$mirror" >&2
# Nothing starts while it is installed, and PostgreSQL makes no cluster: the chart's own scripts do both.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
mkdir -p "$root/etc/postgresql-common"
echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.conf"
# shellcheck disable=SC2086 # a list of packages
DEBIAN_FRONTEND=noninteractive LC_ALL=C chroot "$root" apt-get install -y -qq --no-install-recommends $packages >&2
[ "$kind" != python ] || ln -s /usr/bin/python3.11 "$root/usr/local/bin/python3"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/usr/share/doc/* "$root"/usr/share/man/* \
    "$root"/etc/apt/sources.list* "$root"/etc/resolv.conf "$root"/etc/hostname "$root"/usr/sbin/policy-rc.d "$root"/tmp/*

pack() { tar --create --sort=name --numeric-owner --one-file-system --directory "$root" .; }
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/rabbitmq/bin:/usr/lib/postgresql/15/bin
if [ -n "${2:-}" ]; then
    pack >"$2"
else
    pack | docker import --change "ENV PATH=$path LANG=C.UTF-8" --change "CMD $command" - "${TAG:-$tag}"
fi
