#!/bin/sh
# infra/setup.sh RING…: makes build/venv hold these rings of requirements/, and this machine hold the engines. Quick when
# nothing changed. Debian packages that are missing are installed by root with their service start blocked; anybody else
# is told the one line that does it, and the status is 2.
set -eu
umask 022
root=$(cd "$(dirname "$0")/.." && pwd -P)
build=$root/build
mkdir -p "$build"
exec 9>"$build/.setup.lock"
flock 9 # one set-up of a checkout at a time

say() { printf 'setup: %s\n' "$*" >&2; }

as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@" 2>/dev/null; }

# The system's Python first. Where root runs this, one that the unprivileged account cannot reach (in a home folder) is none.
find_python() {
    for candidate in /usr/bin/python3.11 python3.11 /usr/bin/python3 python3; do
        found=$("$candidate" -c 'import sys, venv, ensurepip; sys.version_info[:2] == (3, 11) and print(sys.executable)' 2>/dev/null) || continue
        [ -n "$found" ] || continue
        [ "$(id -u)" -ne 0 ] || as_nobody test -x "$found" || continue
        echo "$found"
        return
    done
}

# What tests/browser opens pages with.
missing_browser() {
    [ -x /usr/bin/chromium ] || echo chromium
    command -v certutil >/dev/null || echo libnss3-tools # a browser trusts the districts' authority by its own database
    fc-list :lang=zh-cn 2>/dev/null | grep -q . || echo fonts-noto-cjk fontconfig
}

# Other people's software that tests run against ours (tests/clients).
missing_clients() {
    [ -x /usr/sbin/apache2 ] || echo apache2
    [ -e /usr/lib/apache2/modules/mod_auth_openidc.so ] || echo libapache2-mod-auth-openidc
    command -v node >/dev/null || echo nodejs
    command -v npm >/dev/null || echo npm
}

missing_packages() {
    [ -n "$(find_python)" ] || echo python3.11 python3.11-venv
    [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || echo rabbitmq-server
    ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || echo postgresql
    case " $* " in *" test "*) command -v curl >/dev/null || echo curl ;; esac # the README's walk-through is run by a test
    case " $* " in *" clients "*) missing_clients ;; esac
    case " $* " in *" browser "*) missing_browser ;; esac
}

# Debian starts a service as soon as it is installed, unless policy-rc.d says 101 (invoke-rc.d(8)). What stood there before
# is put back however this ends.
install_packages() {
    policy=/usr/sbin/policy-rc.d
    kept=
    if [ -e "$policy" ]; then
        kept=$(mktemp /usr/sbin/policy-rc.d.XXXXXX)
        mv "$policy" "$kept"
    fi
    trap 'rm -f "$policy"; [ -z "$kept" ] || mv "$kept" "$policy"' EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a list of packages
    lock=-oDPkg::Lock::Timeout=300 # another installation may be under way
    apt-get install "$lock" -y -qq --no-install-recommends $1 >"$build/apt.log" 2>&1 ||
        { apt-get update "$lock" -qq && apt-get install "$lock" -y -qq --no-install-recommends $1; } >"$build/apt.log" 2>&1 ||
        { tail -n 20 "$build/apt.log" >&2; exit 1; }
    rm -f "$policy"
    [ -z "$kept" ] || mv "$kept" "$policy"
    trap - EXIT INT TERM HUP
}

missing=$(missing_packages "$@" | tr '\n' ' ')
missing=${missing% }
if [ -n "$missing" ]; then
    if [ "$(id -u)" -ne 0 ]; then
        say "these Debian packages are missing; install them and run this again (policy-rc.d keeps their services from starting):"
        echo "sudo apt-get install --no-install-recommends $missing"
        exit 2
    fi
    say "installing $missing (their services are not started)"
    install_packages "$missing"
fi
python=$(find_python)
case " $* " in
    *" test "*) "$root/infra/observability/promtool.sh" || say "without promtool the tests of the alerting rules fail" ;;
esac

# Where the unprivileged account cannot enter build/, what it runs goes to this checkout's folder in /var/tmp, the same
# one that tongban_local.checkout takes for data.
venv=$build/venv
clients=$build/clients
if [ "$(id -u)" -eq 0 ] && ! as_nobody test -x "$build"; then
    place=/var/tmp/tongban-$(printf %s "$root" | sha256sum | cut -c1-12)
    mkdir -m 755 "$place" 2>/dev/null || true
    if [ -L "$place" ] || [ "$(stat -c %u "$place")" -ne 0 ] || [ -n "$(find "$place" -maxdepth 0 -perm /022)" ]; then
        say "$place exists and is not ours: remove it"
        exit 1
    fi
    for folder in "$venv" "$clients"; do
        if [ ! -L "$folder" ]; then
            rm -rf "$folder"
            ln -s "$place/${folder##*/}" "$folder"
        fi
    done
fi

# npm's packages of tests/clients, by their lock: from wherever this machine takes packages, and nothing of theirs runs.
install_clients() {
    wanted=$({ node --version; cat "$root/tests/clients/node/package-lock.json"; } | sha256sum)
    [ "$(cat "$clients/.stamp" 2>/dev/null)" != "$wanted" ] || return 0
    say "installing the npm packages of the tests' clients"
    target=$(readlink -m "$clients")
    rm -rf "$target"
    mkdir -p "$target"
    cp "$root/tests/clients/node/package.json" "$root/tests/clients/node/package-lock.json" "$target"
    (cd "$target" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >"$build/npm.log" 2>&1) ||
        { tail -n 20 "$build/npm.log" >&2; exit 1; }
    printf %s "$wanted" >"$clients/.stamp"
}

rings=
for ring in "$@"; do
    if [ "$ring" = clients ]; then install_clients; else rings="$rings $ring"; fi
done
# shellcheck disable=SC2086 # a list of words
set -- $rings

stamp() { { "$python" -VV; cat "$root/requirements/uv.txt" "$root/requirements/$1.txt"; } | sha256sum | cut -c1-64; }

fresh=
if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    say "making the virtual environment with $python"
    target=$(readlink -m "$venv")
    rm -rf "$target"
    "$python" -m venv --without-pip "$target"
    fresh=1
fi

files=
for ring in "$@"; do
    if [ -n "$fresh" ] || [ "$(cat "$venv/.ring-$ring" 2>/dev/null)" != "$(stamp "$ring")" ]; then
        files="$files -r $root/requirements/$ring.txt"
    fi
done

if [ -n "$files" ]; then
    tools=$build/tools
    wanted=$(sha256sum <"$root/requirements/uv.txt")
    if [ "$(cat "$tools/.stamp" 2>/dev/null)" != "$wanted" ] || ! "$tools/bin/uv" --version >/dev/null 2>&1; then
        say "installing uv"
        rm -rf "$tools"
        "$python" -m venv "$tools"
        "$tools/bin/pip" install -q --disable-pip-version-check --require-hashes -r "$root/requirements/uv.txt"
        printf %s "$wanted" >"$tools/.stamp"
    fi
    say "installing the packages of: $*"
    # shellcheck disable=SC2086 # a list of options
    "$tools/bin/uv" pip install -q --python "$venv/bin/python" --compile-bytecode --require-hashes $files
    for ring in "$@"; do
        stamp "$ring" >"$venv/.ring-$ring"
    done
fi

# The tree's own packages: their folders on the path, so that what runs is what stands here.
packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
for folder in "$root"/services/*/src "$root"/infra/*/src "$root/proto/python"; do
    [ ! -d "$folder" ] || echo "$folder"
done >"$packages/tongban.pth.new"
cmp -s "$packages/tongban.pth.new" "$packages/tongban.pth" || cp "$packages/tongban.pth.new" "$packages/tongban.pth"
rm "$packages/tongban.pth.new"
printf '#!/bin/sh\nexec "%s/bin/python" -m tongban_cli "$@"\n' "$venv" >"$venv/bin/tongban"
chmod 755 "$venv/bin/tongban"
