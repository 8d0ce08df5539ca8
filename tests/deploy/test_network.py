"""Nothing reaches anything unless it has business there: worked out from the policies, in both directions."""

from __future__ import annotations

import pytest
from tongban_broker.bus import Bus

from tests.deploy.charts import EVERYTHING, GUSU, SHAPES, Template, render, templates
from tests.deploy.reach import may_reach, outside, policies_for

BUS = Bus.load()
_PROCESSES = {"identity-http": {"database"}, "gateway": {"broker"}}
_DNS = ("kube-system", (53,))


def parts(*overlays: dict) -> tuple[dict[str, Template], list[dict]]:
    objects = render(GUSU, *overlays)
    pods = {pod.labels["app.kubernetes.io/name"]: pod for pod in templates(objects)}
    return pods, [one for one in objects if one["kind"] == "NetworkPolicy"]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_pod_is_denied_both_ways_by_default_and_has_one_policy_of_its_own(shape: str) -> None:
    pods, policies = parts(SHAPES[shape])
    (deny,) = (one["spec"] for one in policies if one["spec"]["podSelector"] == {})
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for pod in pods.values():
        for direction in ("Ingress", "Egress"):
            assert len(policies_for(pod, policies, direction)) == 2, pod.name


def expected_connections() -> set[tuple[str, str, int]]:
    """Who has business with whom in a district with its own broker and database."""
    found = {("gateway", "identity-http", 8443), ("test", "identity-http", 8443), ("test", "gateway", 8443)}
    found |= {("courier", "broker", 5671), ("gateway", "broker", 5672), ("identity-http", "database", 5432)}
    found |= {("portal", "identity-http", 8443), ("portal", "gateway", 8443), ("identity-http", "portal", 8443)}
    found |= {(name, "database", 5432) for name in ("database-setup", "portal", "portal-migrate")}
    for service in (name.replace("_", "-") for name in BUS.servers):
        found |= {(service, "broker", 5672), (service, "database", 5432), (f"{service}-migrate", "database", 5432)}
    return found


def test_inside_a_district_just_those_with_business_reach_each_other() -> None:
    pods, policies = parts()
    ports = (5432, 5671, 5672, 8081, 8443, 15692)
    found = {
        (source, target, port)
        for source in pods
        for target in pods
        for port in ports
        if source != target and may_reach(pods[source], pods[target], port, policies)
    }
    assert found == expected_connections()


def test_a_job_that_seals_values_anew_reaches_the_database_and_nothing_else() -> None:
    for overlays, database in (((), "database"), ((EVERYTHING,), "203.0.113.0/28")):
        pods, policies = parts({"reseal": "1", "peers": []}, *overlays)
        for service in ("identity", "case-routing", "hotline", "portal"):
            job = pods[f"{service}-reseal"]
            reached = {
                (target, port)
                for target in pods
                for port in (5432, 5671, 5672, 8081, 8443, 15692)
                if target != job.labels["app.kubernetes.io/name"] and may_reach(job, pods[target], port, policies)
            }
            beyond = [row for row in outside(job, policies, "Egress") if row != _DNS]
            assert (reached, beyond) in (({(database, 5432)}, []), (set(), [(database, (5432,))]))
            assert outside(job, policies, "Ingress") == []


def test_only_the_courier_and_its_broker_talk_with_peers() -> None:
    pods, policies = parts({"peers": [{"code": "310101", "network": [{"ipBlock": {"cidr": "198.51.100.16/28"}}]}]})
    peer = ("198.51.100.16/28", (5671,))
    assert [name for name in pods if peer in outside(pods[name], policies, "Egress")] == ["courier"]
    assert [name for name in pods if peer in outside(pods[name], policies, "Ingress")] == ["broker"]


def test_a_suspended_peer_is_let_through_no_more() -> None:
    network = [{"ipBlock": {"cidr": "198.51.100.16/28"}}]
    pods, policies = parts({"peers": [{"code": "310101", "suspended": True, "network": network}]})
    reached = [row for pod in pods.values() for way in ("Egress", "Ingress") for row in outside(pod, policies, way)]
    assert not [row for row in reached if row[0] == "198.51.100.16/28"]


def test_the_world_beyond_is_names_mail_and_what_the_values_list() -> None:
    pods, policies = parts({"peers": []})
    beyond = {name: outside(pod, policies, "Egress") for name, pod in pods.items()}
    assert beyond.pop("notification") == [("192.0.2.25/32", (587,)), _DNS]
    assert beyond.pop("broker") == beyond.pop("database") == []  # they call nobody, not even for names
    assert {tuple(rows) for rows in beyond.values()} == {(_DNS,)}
    assert all(outside(pod, policies, "Ingress") == [] for pod in pods.values())


def test_engines_collector_ingress_and_monitoring_elsewhere_are_reached_by_those_who_use_them() -> None:
    pods, policies = parts(EVERYTHING, {"peers": []})
    ports = {
        name: {port for peer, found in outside(pod, policies, "Egress") if peer == "203.0.113.0/28" for port in found}
        for name, pod in pods.items()
    }
    assert ports["hotline"] == {5671, 5432, 4318}
    assert ports["courier"] == {5671, 5673, 5432, 4318}
    assert ports["gateway"] == {5671, 4318, 3200}
    assert ports["identity-http"] == {5432, 4318, 443, 8443}
    assert ports["portal"] == {5432, 4318}
    assert (ports["broker-setup"], ports["database-setup"], ports["hotline-migrate"]) == ({15671}, {5432}, {5432})
    come = {name: outside(pod, policies, "Ingress") for name, pod in pods.items()}
    assert come["hotline"] == [("observability", (8081,))]
    assert come["gateway"] == come["portal"] == [("ingress", (8443,)), ("observability", (8081,))]
    assert come["database-setup"] == []
