#!/bin/sh
# `run` starts PostgreSQL as this container's first process, and makes the cluster first if there is none; `ready` asks
# whether it lets people in; `stop` is a fast stop (SIGTERM would wait until the last client has gone).
# Works with Debian's package and with the official image, as any user that /etc/passwd names.
set -eu
folder=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n | tail -n1)
PATH=${folder:-/usr/local/bin}:/usr/local/bin:$PATH
data=/var/lib/tongban/data
case $1 in
run)
    umask 077
    if [ ! -s "$data/PG_VERSION" ]; then
        rm -rf "$data.new"
        initdb -D "$data.new" -U postgres --pwfile=/run/tongban/superuser/postgres -A scram-sha-256 -E UTF8 --locale=C.UTF-8
        mv "$data.new" "$data"
    fi
    exec postgres -D "$data" -c config_file=/etc/tongban/database/postgresql.conf
    ;;
ready) exec pg_isready -q -h 127.0.0.1 -p 5432 -U postgres -d postgres ;;
stop)
    kill -INT "$(head -n1 "$data/postmaster.pid")"
    while [ -e "$data/postmaster.pid" ]; do sleep 0.2; done
    ;;
esac
