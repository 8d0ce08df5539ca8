"""What each pod promises: no rights, no token, probes that differ in meaning, a good end, somewhere to write and nowhere else."""

from __future__ import annotations

import pytest
from chassis.runner import serving

from tests.deploy.charts import EVERYTHING, GUSU, SHAPES, of_kind, render, templates

#: chassis.runner.serving: beyond the drain there is its own margin, then the relay's and the caller's; spans are flushed.
_AFTER_DRAIN_S = 3 * serving.STOP_MARGIN_S + 2


@pytest.mark.parametrize("shape", SHAPES)
def test_every_pod_has_an_account_of_its_own_and_no_token(shape: str) -> None:
    objects = render(GUSU, SHAPES[shape])
    pods = list(templates(objects))
    accounts = [pod.spec["serviceAccountName"] for pod in pods]
    assert len(set(accounts)) == len(accounts)
    assert "default" not in accounts
    assert [pod.name for pod in pods if pod.spec["automountServiceAccountToken"] is not False] == []
    assert [one["metadata"]["name"] for one in objects if one["kind"] in ("Role", "RoleBinding", "ClusterRole")] == []
    assert all(one["automountServiceAccountToken"] is False for one in of_kind(objects, "ServiceAccount").values())


@pytest.mark.parametrize("shape", SHAPES)
def test_every_container_is_uid_10001_on_a_read_only_root_with_tmp_of_its_own(shape: str) -> None:
    for pod in templates(render(GUSU, SHAPES[shape])):
        assert pod.spec["securityContext"]["runAsUser"] == 10001
        assert next(volume for volume in pod.spec["volumes"] if volume["name"] == "tmp")["emptyDir"]["sizeLimit"]
        for container in pod.containers:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"], (pod.name, container["name"])
            assert set(container["resources"]) == {"requests", "limits"}


def test_liveness_asks_the_process_readiness_asks_whether_it_can_work() -> None:
    for name, one in of_kind(render(), "Deployment").items():
        (container,) = one["spec"]["template"]["spec"]["containers"]
        paths = {kind: container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
        assert paths == {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}, name
        # One that is alive is given longer to answer than to be taken for ready.
        assert container["livenessProbe"]["failureThreshold"] > container["readinessProbe"]["failureThreshold"]


@pytest.mark.parametrize("drain", [1, 20, 300])
def test_the_grace_is_longer_than_leaving_draining_and_sending_what_is_left(drain: int) -> None:
    overlay = {"serviceDefaults": {"drainSeconds": drain, "preStopSeconds": 7}}
    objects = render(GUSU, overlay)
    settings = of_kind(objects, "ConfigMap")
    for name, one in of_kind(objects, "Deployment").items():
        pod = one["spec"]["template"]["spec"]
        assert pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "7"]
        assert pod["terminationGracePeriodSeconds"] > 7 + drain + _AFTER_DRAIN_S
        told = settings[name]["data"].get("TONGBAN_DRAIN_S")
        assert told == str(drain) if name not in ("gateway", "identity-http", "portal") else told is None


def test_variables_are_named_once_and_refer_only_to_what_stands_before_them() -> None:
    for pod in templates(render(GUSU, EVERYTHING)):
        for container in pod.containers:
            seen: set[str] = set()
            for row in container.get("env", ()):
                assert row["name"] not in seen, (pod.name, row["name"])
                value = row.get("value", "")
                assert all(part.partition(")")[0] in seen for part in value.split("$(")[1:]), (pod.name, value)
                seen.add(row["name"])


def test_an_autoscaled_process_has_no_replicas_of_its_own() -> None:
    """Helm would set them back at every upgrade."""
    objects = render(GUSU, EVERYTHING)
    deployments, scalers = of_kind(objects, "Deployment"), of_kind(objects, "HorizontalPodAutoscaler")
    assert set(scalers) == set(deployments) - {"courier"}
    assert [name for name in scalers if "replicas" in deployments[name]["spec"]] == []
    assert deployments["courier"]["spec"]["replicas"] == 1


def test_a_courier_stops_before_its_successor_starts_and_the_others_never_go_below_what_they_were() -> None:
    strategies = {name: one["spec"]["strategy"] for name, one in of_kind(render(), "Deployment").items()}
    assert strategies.pop("courier") == {"type": "Recreate"}
    assert all(one["rollingUpdate"]["maxUnavailable"] == 0 for one in strategies.values())


def test_every_process_spreads_and_has_a_budget_for_disruptions() -> None:
    objects = render()
    deployments = of_kind(objects, "Deployment")
    assert set(of_kind(objects, "PodDisruptionBudget")) == set(deployments)
    for one in deployments.values():
        keys = {row["topologyKey"] for row in one["spec"]["template"]["spec"]["topologySpreadConstraints"]}
        assert keys == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}


def test_what_the_values_add_to_a_pod_is_there() -> None:
    one = of_kind(render(GUSU, EVERYTHING), "Deployment")["hotline"]["spec"]["template"]
    pod, container = one["spec"], one["spec"]["containers"][0]
    assert {"name": "TZ", "value": "Asia/Shanghai"} in container["env"]
    assert {"name": "more", "mountPath": "/more"} in container["volumeMounts"]
    assert {"name": "more", "emptyDir": {}} in pod["volumes"]
    assert one["metadata"]["annotations"]["example.org/team"] == "gusu"
    assert one["metadata"]["labels"]["example.org/cost"] == "42"
    assert (pod["nodeSelector"], pod["priorityClassName"]) == ({"kubernetes.io/os": "linux"}, "district")


def test_no_process_gets_a_secret_that_is_not_its_own() -> None:
    """One key each of the Secrets that hold many: the broker's and the database's passwords, the field keys."""
    for name, one in of_kind(render(), "Deployment").items():
        service = name.removesuffix("-http").replace("-", "_")
        pod = one["spec"]["template"]["spec"]
        keys = {
            row["valueFrom"]["secretKeyRef"]["key"]
            for container in (*pod.get("initContainers", ()), *pod["containers"])
            for row in container["env"]
            if "valueFrom" in row
        }
        own = {service, f"{service}_app", "transit"} | ({"pairwise"} if service == "identity" else set())
        assert keys <= own, name
        mounted = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
        assert not mounted & {f"d{GUSU}-broker", f"d{GUSU}-database", f"d{GUSU}-field-keys"}
        assert all(volume["secret"]["items"] for volume in pod["volumes"] if "secret" in volume)
