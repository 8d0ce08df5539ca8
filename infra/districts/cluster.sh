#!/bin/sh
# Districts of one person in one cluster, to try them; skaffold runs both steps.
#   cluster.sh secrets CODE…   namespaces that enforce Pod Security "restricted", keys where there are none, and the Secrets
#   cluster.sh trust CODE…     a registry of these districts and an agreement between each two, installed in their couriers
# Keys, the root key and the signed files stay below build/districts; KEEP names another folder.
set -eu
cd "$(dirname "$0")/../.."
keep=${KEEP:-build/districts}
tongban=${TONGBAN:-build/venv/bin/tongban}
districts=${DISTRICTS_DIR:-infra/districts}
step=${1:-}
[ $# -ge 2 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
shift

secrets() {
    mkdir -p "$keep"
    "$tongban" registry root "$keep/alliance"
    for code in "$@"; do
        "$tongban" district new "$code" --districts "$districts" --keep "$keep"
    done
    for code in "$@"; do
        kubectl create namespace "d$code" --dry-run=client --output=yaml | kubectl apply --filename=-
        kubectl label namespace "d$code" --overwrite pod-security.kubernetes.io/enforce=restricted
        "$tongban" district secrets "$code" --districts "$districts" --keep "$keep" --root "$keep/alliance/root.pub.jwk" |
            kubectl apply --server-side --filename=-
    done
}

# A registry is installed in a courier over the courier's own command; the pod must be there.
install() { kubectl exec --stdin --namespace "d$1" "deployment/d$1-courier" -- python -m courier "$2" <"$3"; }

trust() {
    registry=$keep/alliance/registry.json
    bundles=
    for code in "$@"; do bundles="$bundles --bundle $districts/$code/join.json"; done
    previous=
    [ ! -f "$registry" ] || previous="--previous $registry"
    # shellcheck disable=SC2086 # lists of options
    "$tongban" registry make "$registry.new" $previous $bundles
    "$tongban" registry sign "$registry.new" --key "$keep/alliance/root.jwk"
    mv "$registry.new" "$registry"
    for code in "$@"; do
        kubectl rollout status --namespace "d$code" "deployment/d$code-courier" --timeout=15m
        install "$code" install-registry "$registry"
    done
    for one in "$@"; do
        for other in "$@"; do
            [ "$one" -lt "$other" ] || continue
            agree "$one" "$other"
            install "$one" install-agreement "$keep/alliance/agreement-$one-$other.json"
            install "$other" install-agreement "$keep/alliance/agreement-$one-$other.json"
        done
    done
}

# Either may open anything at the other, as an agreement for trying things out says.
agree() {
    file=$keep/alliance/agreement-$1-$2.json
    [ ! -f "$file" ] || return 0
    "$tongban" agreement make "$file.new" --parties "$1" "$2" --version 1 --opens "$1=*" --opens "$2=*"
    for code in "$1" "$2"; do "$tongban" agreement sign "$file.new" --key "$keep/$code/courier.jwks"; done
    mv "$file.new" "$file"
}

case $step in
secrets) secrets "$@" ;;
trust) trust "$@" ;;
*) echo "cluster.sh: there is no step $step" >&2; exit 2 ;;
esac
