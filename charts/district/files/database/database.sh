#!/bin/sh
# `run` starts PostgreSQL as this container's first process, and makes the cluster first if there is none; `ready` asks
# whether it lets people in; `stop` is a fast stop (SIGTERM would wait until the last client has gone).
# `backup` writes everything as of one moment to standard output, as a tar, while people work; `restore` takes such a tar from
# standard input, and the next `run` works from it. What was there before stays beside it until the next restore.
# Works with Debian's package and with the official image, as any user that /etc/passwd names.
set -eu
folder=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n | tail -n1)
PATH=${folder:-/usr/local/bin}:/usr/local/bin:$PATH
data=/var/lib/tongban/data
case $1 in
run)
    umask 077
    if [ -d "$data.restored" ]; then
        rm -rf "$data.before"
        [ ! -d "$data" ] || mv "$data" "$data.before"
        mv "$data.restored" "$data"
    fi
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
backup)
    PGPASSWORD=$(cat /run/tongban/superuser/postgres)
    export PGPASSWORD
    exec pg_basebackup -h 127.0.0.1 -p 5432 -U postgres -w -c fast -X fetch -F tar -D -
    ;;
restore)
    umask 077
    rm -rf "$data.unpacked"
    mkdir "$data.unpacked"
    tar -x -C "$data.unpacked"
    if [ ! -s "$data.unpacked/PG_VERSION" ] || [ ! -s "$data.unpacked/backup_label" ]; then
        echo "what was given is no backup made by this script" >&2
        exit 1
    fi
    # Recovery from nowhere but itself, so that it ends at once and on a timeline of its own: by that the courier knows that
    # its database went back in time.
    echo "restore_command = 'false'" >>"$data.unpacked/postgresql.auto.conf"
    : >"$data.unpacked/recovery.signal"
    sync
    rm -rf "$data.restored"
    mv "$data.unpacked" "$data.restored"
    ;;
esac
