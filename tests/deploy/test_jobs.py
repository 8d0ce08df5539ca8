"""Jobs cannot be changed once made: another image is another Job, and nothing else makes one run again by chance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tongban_broker.bus import Bus
from tongban_database.roles import owners

from tests.deploy.charts import GUSU, render, render_text
from tests.deploy.fixed import fixed, refused
from tests.deploy.test_rendering import ROOT

PREVIOUS = ROOT / "tests" / "deploy" / "releases" / "0.1.0.yaml"


def jobs(*overlays: Any) -> dict[str, Any]:
    return {one["metadata"]["name"]: one["spec"] for one in render(GUSU, *overlays) if one["kind"] == "Job"}


def parts(names: Any) -> set[str]:
    return {name.rpartition("-")[0].partition("-")[2] for name in names}


def test_each_service_with_tables_has_a_migration_and_the_database_a_set_up() -> None:
    assert parts(jobs()) == {
        "database-setup",
        *(f"{name.replace('_', '-')}-migrate" for name in owners(Bus.load().servers)),
    }


def test_another_image_is_another_job_for_just_that_service() -> None:
    before, after = jobs(), jobs({"services": {"hotline": {"image": {"digest": "sha256:" + "b" * 64}}}})
    assert parts(after.keys() - before.keys()) == parts(before.keys() - after.keys()) == {"hotline-migrate"}


def test_a_job_of_the_same_name_is_the_same_job() -> None:
    """Whatever the values change: else an upgrade would fail on a field that cannot be changed."""
    overlays = [
        {"secretsRevision": "2"},
        {"jobs": {"resources": {"limits": {"memory": "1Gi"}}}},
        {"image": {"tag": "0.2.0", "pullSecrets": ["login"]}},
        {"serviceDefaults": {"podLabels": {"a": "b"}, "replicas": 3}},
        {"peers": []},
    ]
    before = jobs()
    for overlay in overlays:
        after = jobs(overlay)
        assert [name for name in after.keys() & before.keys() if after[name] != before[name]] == [], overlay
    assert jobs({"peers": []}) == jobs({"serviceDefaults": {"replicas": 3}}) == before


def test_a_change_of_secrets_runs_the_set_up_again() -> None:
    assert parts(jobs({"secretsRevision": "2"}).keys() - jobs().keys()) >= {"database-setup"}


def test_a_migration_has_the_owners_password_and_no_other() -> None:
    for name, spec in jobs().items():
        if "-migrate-" in name:
            (container,) = spec["template"]["spec"]["containers"]
            (password,) = (row["valueFrom"]["secretKeyRef"] for row in container["env"] if "valueFrom" in row)
            service = name.partition("-")[2].rpartition("-migrate")[0].replace("-", "_")
            assert password == {"name": f"d{GUSU}-database", "key": f"{service}_owner"}
            assert container["command"] == ["python", "-m", service, "migrate", "--wait", "600"]


SEALERS = ("identity", "case_routing", "hotline", "portal")


def test_sealed_values_are_sealed_anew_when_told_and_once_for_each_text() -> None:
    """The list is every service that has sealed columns (tests/architecture)."""
    told, again = jobs({"reseal": "1"}), jobs({"reseal": "2"})
    new = told.keys() - jobs().keys()
    assert parts(new) == {f"{service.replace('_', '-')}-reseal" for service in SEALERS}
    assert jobs({"reseal": "1"}) == told
    assert parts(again.keys() - told.keys()) == parts(new)
    for name in new:
        service = name.partition("-")[2].rpartition("-reseal")[0].replace("-", "_")
        (container,) = told[name]["template"]["spec"]["containers"]
        assert container["command"] == ["python", "-m", service, "reseal"]
        secrets = {
            (row["name"], *row["valueFrom"]["secretKeyRef"].values()) for row in container["env"] if "valueFrom" in row
        }
        assert secrets == {
            ("DATABASE_PASSWORD", f"d{GUSU}-database", f"{service}_app"),
            ("TONGBAN_FIELD_KEY", f"d{GUSU}-field-keys", service),
        }
        assert told[name]["template"]["metadata"]["labels"]["app.kubernetes.io/component"] == "reseal"


def test_a_pod_waits_for_the_tables_with_the_image_that_makes_them() -> None:
    objects = render(GUSU, {"services": {"identity": {"image": {"tag": "7"}}}})
    for one in objects:
        if one["kind"] == "Deployment" and not one["metadata"]["name"].endswith("gateway"):
            (waits,) = one["spec"]["template"]["spec"]["initContainers"]
            module = one["metadata"]["name"].partition("-")[2].removesuffix("-http").replace("-", "_")
            assert waits["command"] == ["python", "-m", module, "await-schema", "--timeout", "600"]
            assert waits["image"].startswith(f"tongban/{module}:")
    (web,) = (
        one for one in objects if one["metadata"]["name"] == f"d{GUSU}-identity-http" and one["kind"] == "Deployment"
    )
    assert web["spec"]["template"]["spec"]["initContainers"][0]["image"] == "tongban/identity:7"


KEPT = json.loads((ROOT / "tests" / "deploy" / "releases" / "0.1.0.fixed.json").read_text())


@pytest.mark.parametrize("overlays", [(PREVIOUS,), ()], ids=["its values", "today's values"])
def test_an_upgrade_from_the_previous_release_changes_nothing_that_cannot_be_changed(
    overlays: tuple[Path, ...],
) -> None:
    """What the previous release's chart really rendered, against today's: all the values of then still render, to the same things."""
    assert {name.partition("/")[0] for name in KEPT} >= {"Deployment", "StatefulSet", "Job", "Service"}
    assert refused(KEPT, fixed(render(GUSU, *overlays))) == []
    assert render_text(GUSU, *overlays, helm=3)


@pytest.mark.parametrize(
    ("kind", "name", "path", "value"),
    [
        ("Deployment", "courier", "selector.matchLabels.more", "x"),
        ("StatefulSet", "database", "selector.matchLabels.more", "x"),
        ("StatefulSet", "broker", "serviceName", "another"),
        ("StatefulSet", "database", "podManagementPolicy", "Parallel"),
        ("StatefulSet", "database", "volumeClaimTemplates", []),
        ("Service", "gateway", "clusterIP", "None"),
        ("Service", "gateway", "type", "NodePort"),
        ("Job", "hotline-migrate", "template.spec.activeDeadlineSeconds", 7),
    ],
)
def test_a_chart_that_changes_such_a_field_is_found_out(kind: str, name: str, path: str, value: Any) -> None:
    objects = render(GUSU, PREVIOUS)
    kept = fixed(objects) if kind == "Job" else KEPT  # another template is another Job: then none of that name is kept
    (found,) = (
        one for one in objects if one["kind"] == kind and one["metadata"]["name"].startswith(f"d{GUSU}-{name}")
    )  # fmt: skip
    *folders, field = path.split(".")
    place = found["spec"]
    for folder in folders:
        place = place[folder]
    place[field] = value
    what = f"{kind}/{found['metadata']['name']}"
    assert refused(kept, fixed(objects)) == [f"{what}: {path.partition('.')[0]}"]
    rest = [one for one in objects if one is not found]
    assert refused(kept, fixed(rest)) == ([] if kind == "Job" else [f"{what} is gone"])
