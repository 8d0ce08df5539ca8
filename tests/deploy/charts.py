"""Rendering charts/district as people do: with real Helm, 3 and 4, from values files and overlays."""

from __future__ import annotations

import copy
import functools
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tongban_cli.helm import installed
from tongban_local.checkout import ROOT
from tongban_local.districts import known_districts

CHART = ROOT / "charts" / "district"
CODES = tuple(known_districts())
GUSU, HUANGPU = "320508", "310101"
HELM = (3, 4)
#: Kubernetes by its first and its newest version that the chart is for.
KUBERNETES = ("1.31", "1.37")

Object = dict[str, Any]


class Refused(Exception):
    """Helm did not render; what it said."""


def values_of(code: str) -> Path:
    return ROOT / "infra" / "districts" / code / "values.yaml"


def render_text(code: str, *overlays: Mapping[str, Any] | Path, helm: int = 4, release: str = "") -> str:
    """What `helm template` writes for a district with overlays on its values. Raises Refused."""
    return _render(code, tuple(map(_text, overlays)), helm, release or f"d{code}")


def _text(overlay: Mapping[str, Any] | Path) -> str:
    return overlay.read_text() if isinstance(overlay, Path) else yaml.safe_dump(dict(overlay))


@functools.cache
def _render(code: str, overlays: Sequence[str], helm: int, release: str) -> str:
    return run_helm(code, overlays, helm, release)


def run_helm(code: str, overlays: Sequence[str], helm: int, release: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        files = [values_of(code)]
        for number, overlay in enumerate(overlays):
            files.append(Path(folder, f"{number}.yaml"))
            files[-1].write_text(overlay)
        argv = [str(installed()[helm]), "template", release, str(CHART), "--namespace", release]
        argv += [part for file in files for part in ("--values", str(file))]
        environ = {"HOME": folder, "PATH": "/usr/bin:/bin"}
        done = subprocess.run(argv, check=False, capture_output=True, text=True, env=environ)
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout


@functools.cache
def _parsed(text: str) -> tuple[Object, ...]:
    return tuple(found for found in yaml.load_all(text, Loader=_Strict) if found)


class _Strict(yaml.CSafeLoader):
    """A key given twice is a mistake: Helm 4 applies on the server, which refuses it."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key stands twice {node.start_mark}: {keys}"
        return super().construct_mapping(node, deep)


def render(code: str = GUSU, *overlays: Mapping[str, Any] | Path, helm: int = 4) -> list[Object]:
    """The objects of a release; a copy, so that a test may change them."""
    return copy.deepcopy(list(_parsed(render_text(code, *overlays, helm=helm))))


def of_kind(objects: Sequence[Object], kind: str) -> dict[str, Object]:
    """Name without the release → object."""
    found = [one for one in objects if one["kind"] == kind]
    return {one["metadata"]["name"].partition("-")[2]: one for one in found}


@dataclass(frozen=True)
class Template:
    """The pod that an object makes."""

    kind: str
    name: str
    metadata: Object
    spec: Object

    @property
    def containers(self) -> list[Object]:
        return [*self.spec.get("initContainers", ()), *self.spec["containers"]]

    @property
    def labels(self) -> Mapping[str, str]:
        return self.metadata.get("labels", {})


def templates(objects: Sequence[Object]) -> Iterator[Template]:
    """Every pod of a release, by whatever makes it."""
    for one in objects:
        pod = one if one["kind"] == "Pod" else one.get("spec", {}).get("template")
        if pod and "spec" in pod and "containers" in pod["spec"]:
            yield Template(one["kind"], one["metadata"]["name"], pod["metadata"], pod["spec"])


_ELSEWHERE = [{"ipBlock": {"cidr": "203.0.113.0/28"}}]
#: Everything that the values can switch on, somewhere else than beside the district.
EXTERNAL: dict[str, Any] = {
    "broker": {
        "mode": "external",
        "external": {
            "host": "bus.rabbitmq.svc",
            "peers": _ELSEWHERE,
            "authority": {"existingSecret": "bus-ca"},
            "management": {
                "url": "https://bus.rabbitmq.svc:15671",
                "admin": {"existingSecret": "bus-default-user"},
                "authority": {"existingSecret": "bus-ca"},
            },
        },
    },
    "database": {
        "mode": "external",
        "external": {
            "host": "gusu-rw",
            "peers": _ELSEWHERE,
            "authority": {"existingSecret": "gusu-ca"},
            "admin": {"existingSecret": "gusu-superuser"},
        },
    },
}
EVERYTHING: dict[str, Any] = {
    **EXTERNAL,
    "public": {
        "issuer": "https://id.gusu.example",
        "gateway": "https://api.gusu.example",
        "portal": "https://www.gusu.example",
    },
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "annotations": {"nginx.ingress.kubernetes.io/backend-protocol": "HTTPS"},
        "hosts": {"gateway": "api.gusu.example", "identity": "id.gusu.example", "portal": "www.gusu.example"},
        "tls": {"existingSecret": "gusu-public-tls"},
        "trustedProxies": ["10.244.7.0/24", "fd00:7::/64"],
        "controller": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}],
    },
    "tls": {
        **{
            name: {"issuerRef": {"name": "couriers", "kind": "ClusterIssuer"}}
            for name in ("edge", "courierServer", "courierClient", "courierLocal")
        },
        "authority": {"systemBundle": True},
    },
    "telemetry": {
        "otlpEndpoint": "http://collector.observability:4318",
        "peers": _ELSEWHERE,
        "traceSource": {"url": "http://tempo.observability:3200", "peers": _ELSEWHERE},
    },
    "networkPolicy": {
        "monitoring": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "observability"}}}],
        "parties": _ELSEWHERE,
    },
    "relyingParties": [
        {
            "client_id": "library",
            "name": {"zh": "图书馆", "en": "Library"},
            "redirect_uris": ["https://library.gusu.example/signed-in"],
            "scopes": ["openid", "profile"],
            "public": True,
        }
    ],
    "mail": {"user": "gusu"},
    "reseal": "1",
    "serviceDefaults": {
        "autoscaling": {"enabled": True},
        "settings": {"MAX_WORKERS": "80"},
        "extraEnv": [{"name": "TZ", "value": "Asia/Shanghai"}],
        "extraVolumes": [{"name": "more", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
        "podAnnotations": {"example.org/team": "gusu"},
        "podLabels": {"example.org/cost": "42"},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "dedicated", "operator": "Exists"}],
        "priorityClassName": "district",
    },
    "services": {"courier": {"autoscaling": {"enabled": False}}},
}
#: Ways to run a district that every check of the rendered objects goes through.
SHAPES: dict[str, dict[str, Any]] = {"embedded": {}, "external": EXTERNAL, "everything": EVERYTHING}
