"""Who may reach whom in a release, worked out from its NetworkPolicies as a cluster would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tests.deploy.charts import Object, Template


def selects(selector: dict[str, Any], labels: Any) -> bool:
    assert selector.keys() <= {"matchLabels"}, selector
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def policies_for(pod: Template, policies: Sequence[Object], direction: str) -> list[Object]:
    """Those that confine the pod in that direction."""
    chosen = [one["spec"] for one in policies if selects(one["spec"]["podSelector"], pod.labels)]
    return [spec for spec in chosen if direction in spec["policyTypes"]]


def _rules(pod: Template, policies: Sequence[Object], direction: str) -> Iterator[tuple[list[Object], set[int]]]:
    key, side = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    for spec in policies_for(pod, policies, direction):
        for rule in spec.get(key, ()):
            yield rule.get(side, []), {port["port"] for port in rule.get("ports", ())}


def may_reach(source: Template, target: Template, port: int, policies: Sequence[Object]) -> bool:
    """Whether both ends let a connection through: pods of one namespace only."""
    out = any(port in ports and _names(peers, target) for peers, ports in _rules(source, policies, "Egress"))
    into = any(port in ports and _names(peers, source) for peers, ports in _rules(target, policies, "Ingress"))
    return out and into


def _names(peers: Sequence[Object], pod: Template) -> bool:
    return any(set(peer) == {"podSelector"} and selects(peer["podSelector"], pod.labels) for peer in peers)


def outside(pod: Template, policies: Sequence[Object], direction: str) -> list[tuple[str, tuple[int, ...]]]:
    """The peers beyond the namespace that a pod may talk with, and on which ports."""
    found = []
    for peers, ports in _rules(pod, policies, direction):
        assert peers, f"{pod.name}: a rule without peers lets everybody through"
        assert ports, f"{pod.name}: a rule without ports lets everything through"
        found += [(_described(peer), tuple(sorted(ports))) for peer in peers if set(peer) != {"podSelector"}]
    return sorted(found)


def _described(peer: Object) -> str:
    if "ipBlock" in peer:
        return str(peer["ipBlock"]["cidr"])
    return str(peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"])
