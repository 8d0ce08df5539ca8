"""Kubernetes' Pod Security Standard "restricted", as written: what is wrong with a pod, in sentences.

Source: "Pod Security Standards" in the Kubernetes documentation, the profiles Baseline and Restricted, v1.31.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip
_PROFILES = {"RuntimeDefault", "Localhost"}


def violations(spec: dict[str, Any]) -> Iterator[str]:
    """Everything in a pod's spec that the profile forbids, or that it asks for and is not there."""
    yield from (f"{key} is true" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key))
    for volume in spec.get("volumes", []):
        yield from (f"volume {volume['name']} is a {kind}" for kind in volume.keys() - {"name"} - _VOLUMES)
    pod = spec.get("securityContext", {})
    yield from (f"sysctl {row['name']}" for row in pod.get("sysctls", ()))
    yield from _shared(pod, "the pod")
    for container in (
        *spec.get("initContainers", ()),
        *spec["containers"],
        *spec.get("ephemeralContainers", ()),
    ):
        yield from _container(container, pod)


def _shared(context: dict[str, Any], who: str) -> Iterator[str]:
    if context.get("runAsUser") == 0:
        yield f"{who} runs as root"
    if "seLinuxOptions" in context or "windowsOptions" in context or "appArmorProfile" in context:
        yield f"{who} changes what the node confines it with"


def _container(container: dict[str, Any], pod: dict[str, Any]) -> Iterator[str]:
    name, context = container["name"], container.get("securityContext", {})
    yield from _shared(context, name)
    capabilities = context.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()):
        yield f"{name} keeps capabilities"
    if set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
        yield f"{name} adds capabilities"
    if context.get("privileged"):
        yield f"{name} is privileged"
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{name} may gain rights"
    if context.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        yield f"{name} may run as root"
    if context.get("procMount", "Default") != "Default":
        yield f"{name} unmasks /proc"
    profile = context.get("seccompProfile", pod.get("seccompProfile", {}))
    if profile.get("type") not in _PROFILES:
        yield f"{name} has no seccomp profile"
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield f"{name} takes a port of the node"
