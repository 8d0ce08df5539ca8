"""The Kubernetes Secrets of one district, under the names and with the keys that charts/district expects.

A Secret that the values name otherwise (`existingSecret`) is brought by somebody else, and so is a certificate that cert-manager
issues; what is left is here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tongban_cli.district_folder import DistrictFolder
from tongban_cli.district_keep import Keep, Passwords

Manifest = dict[str, Any]


def manifests(
    folder: DistrictFolder, keep: Keep, passwords: Passwords, root: str, peers: list[str]
) -> Iterator[Manifest]:
    """`root`: the alliance's public root key (JWK); `peers`: the authorities (PEM) of the couriers that may deliver here."""
    values, release = folder.release(), f"d{folder.code}"
    edge, edge_set = keep.edge_keys()
    portal = str(_at(values, "public").get("portal") or f"https://{release}-portal.{release}.svc")
    portal_key, parties = keep.portal_keys(portal)
    things: Mapping[str, Mapping[str, str]] = {
        **passwords,
        "edgeKey": {"edge.jwk": edge},
        "edgeKeys": {"edge.jwks": edge_set},
        "identityKeys": {"identity.jwk": keep.identity_key()},
        "portalKeys": {"portal.jwk": portal_key, "relying-parties.json": parties},
        "courierKeys": {"courier.jwks": keep.courier_key_set(), "root.jwk": root},
    }
    for thing, data in things.items():
        if not _at(values, "secrets", thing, "existingSecret"):
            yield _secret(f"{release}-{_kebab(thing)}", release, data, "Opaque")
    if keep.has_authority:
        for thing, data in _certificates(folder, keep, values, peers).items():
            if not _at(values, "tls", thing, "existingSecret") and not _at(values, "tls", thing, "issuerRef", "name"):
                yield _secret(f"{release}-{_kebab(thing)}-tls", release, data, "kubernetes.io/tls")


def _certificates(
    folder: DistrictFolder, keep: Keep, values: Mapping[str, Any], peers: list[str]
) -> dict[str, dict[str, str]]:
    """By the chart's names, with the chart's own host names (templates/certificates.yaml)."""
    code, release = folder.code, f"d{folder.code}"
    own = keep.authority(code)
    hosts = [
        f"{release}-{name}{tail}" for tail in ("", f".{release}.svc") for name in ("gateway", "identity-http", "portal")
    ]
    hosts += [str(host) for host in _at(values, "ingress", "hosts").values() if host] if _at(values, "ingress") else []
    inbox = [f"{release}-broker", f"{release}-courier-inbox.{release}.svc"]
    host = str(_at(values, "courier", "host") or "")
    pairs = {
        "edge": (keep.certificate("edge", code, names=tuple(hosts)), own),
        "courierServer": (
            keep.certificate("courier-server", code, names=tuple(dict.fromkeys(filter(None, [host, *inbox])))),
            "".join(dict.fromkeys([own, *peers])),
        ),
        "courierClient": (keep.certificate("courier-client", code, common_name=f"courier.{code}"), own),
        "courierLocal": (keep.certificate("courier-local", code, common_name="courier.local"), own),
    }
    return {
        thing: {"tls.crt": certificate, "tls.key": key, "ca.crt": authority}
        for thing, ((certificate, key), authority) in pairs.items()
    }


def _secret(name: str, release: str, data: Mapping[str, str], kind: str) -> Manifest:
    metadata = {"name": name, "namespace": release, "labels": {"app.kubernetes.io/instance": release}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "stringData": dict(data)}


def text(found: list[Manifest]) -> str:
    """One YAML document each, the same for the same Secrets."""
    return yaml.dump_all(found, Dumper=_Plain, explicit_start=True, sort_keys=False, width=1000)


class _Plain(yaml.SafeDumper):
    """No anchors: kubectl takes them, people do not."""

    def ignore_aliases(self, _: object) -> bool:
        return True


def _kebab(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: f"-{found[1].lower()}", name)


def _at(values: Mapping[str, Any], *path: str) -> Any:
    """What stands there in the values, or an empty mapping."""
    found: Any = values
    for part in path:
        found = found.get(part) or {} if isinstance(found, Mapping) else {}
    return found
