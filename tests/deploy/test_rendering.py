"""Every district renders, from under 60 lines, with Helm 3 and 4 alike, and the same again."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from tongban_cli.helm import installed
from tongban_local.checkout import ROOT
from tongban_local.districts import known_districts, linked_to

from tests.deploy.charts import (
    CHART,
    CODES,
    GUSU,
    HELM,
    SHAPES,
    of_kind,
    render,
    render_text,
    run_helm,
    templates,
    values_of,
)


@pytest.mark.parametrize("code", CODES)
def test_a_district_is_under_60_lines_and_agrees_with_what_is_known_of_it(code: str) -> None:
    text = values_of(code).read_text()
    values, facts = yaml.safe_load(text), known_districts()[code]
    assert len(text.splitlines()) < 60
    assert values["district"] == {"code": code, "nameZh": facts.name_zh, "nameEn": facts.name_en}
    assert tuple(peer["code"] for peer in values["peers"]) == linked_to(facts)


@pytest.mark.parametrize("code", CODES)
def test_helm_3_and_helm_4_render_the_same_objects(code: str) -> None:
    three, four = render(code, helm=3), render(code, helm=4)
    assert three == four
    assert Counter(one["kind"] for one in four)["Deployment"] == 10


@pytest.mark.parametrize("helm", HELM)
@pytest.mark.parametrize("shape", SHAPES)
def test_two_renders_are_the_same_bytes(helm: int, shape: str) -> None:
    overlay = yaml.safe_dump(SHAPES[shape])
    first, second = (run_helm(GUSU, (overlay,), helm, f"d{GUSU}") for _ in range(2))
    assert first == second


@pytest.mark.parametrize("helm", HELM)
def test_helm_has_nothing_to_say_about_the_chart(helm: int, tmp_path: Path) -> None:
    argv = [str(installed()[helm]), "lint", "--strict", str(CHART), "--values", str(values_of(GUSU))]
    environ = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(argv, check=False, capture_output=True, text=True, env=environ)
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout


def test_nothing_in_the_templates_asks_chance_the_clock_or_a_cluster() -> None:
    forbidden = re.compile(
        r"\b(rand\w*|uuidv4|now|date\w*|lookup|gen(CA|Signed|Self|Private)\w*|derivePassword|getHostByName|env)\b"
    )
    for path in sorted((ROOT / "charts").rglob("*")):
        if path.suffix in (".tpl", ".yaml", ".txt") and "templates" in path.parts:
            actions = re.findall(r"\{\{-? (?!/\*)(.*?)-?\}\}", path.read_text(), re.S)
            used = [found[0] for action in actions for found in forbidden.finditer(re.sub(r'"[^"]*"', "", action))]
            assert used == [], path


@pytest.mark.parametrize("shape", SHAPES)
def test_every_object_is_named_once_and_lies_in_the_releases_namespace(shape: str) -> None:
    objects = render(GUSU, SHAPES[shape])
    names = Counter((one["kind"], one["metadata"]["name"]) for one in objects)
    assert [name for name, count in names.items() if count > 1] == []
    assert {one["metadata"]["namespace"] for one in objects} == {f"d{GUSU}"}
    assert all(one["metadata"]["name"].startswith(f"d{GUSU}") and len(one["metadata"]["name"]) <= 63 for one in objects)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_an_object_refers_to_is_rendered_or_is_a_secret_that_the_readme_lists(shape: str) -> None:
    objects = render(GUSU, SHAPES[shape])
    rendered = {
        kind: {one["metadata"]["name"] for one in objects if one["kind"] == kind}
        for kind in ("ConfigMap", "ServiceAccount")
    }
    listed = set(re.findall(r"`d<code>-([a-z-]+)`", (CHART / "README.md").read_text()))
    told = {"bus-ca", "bus-default-user", "gusu-ca", "gusu-superuser"}
    secrets = set()
    for pod in templates(objects):
        assert pod.spec["serviceAccountName"] in rendered["ServiceAccount"]
        for volume in pod.spec["volumes"]:
            if "configMap" in volume:
                assert volume["configMap"]["name"] in rendered["ConfigMap"], pod.name
            if "secret" in volume:
                secrets.add(volume["secret"]["secretName"])
        for container in pod.containers:
            for source in container.get("envFrom", ()):
                assert source["configMapRef"]["name"] in rendered["ConfigMap"]
            secrets |= {
                row["valueFrom"]["secretKeyRef"]["name"] for row in container.get("env", ()) if "valueFrom" in row
            }
    assert {name.removeprefix(f"d{GUSU}-") for name in secrets - told} - listed == set()


@pytest.mark.parametrize("shape", SHAPES)
def test_no_secret_is_rendered(shape: str) -> None:
    """Passwords come from Secrets that somebody else brings; a URL holds a reference to one."""
    text = render_text(GUSU, SHAPES[shape])
    assert not re.search(r"^kind: Secret$", text, re.M)
    assert not re.search(r"://[^/\s:@]+:(?!\$\()[^@/\s]+@", text)
    assert "BEGIN" not in text


def _without(value: Any, *keys: str) -> Any:
    return {key: found for key, found in value.items() if key not in keys}


def test_an_image_is_named_by_registry_tag_or_digest() -> None:
    digest = "sha256:" + "a" * 64
    overlay = {
        "image": {"registry": "images.example", "tag": "1.2.3", "pullPolicy": "Never"},
        "services": {
            "catalogue": {"image": {"digest": digest}},
            "gateway": {
                "image": {"registry": "other.example", "repository": "edge/gateway", "tag": "9", "pullPolicy": "Always"}
            },
        },
    }
    deployments = of_kind(render(GUSU, overlay), "Deployment")
    images = {name: one["spec"]["template"]["spec"]["containers"][0] for name, one in deployments.items()}
    assert images["hotline"]["image"] == "images.example/tongban/hotline:1.2.3"
    assert images["hotline"]["imagePullPolicy"] == "Never"
    assert images["catalogue"]["image"] == f"images.example/tongban/catalogue@{digest}"
    assert (images["gateway"]["image"], images["gateway"]["imagePullPolicy"]) == (
        "other.example/edge/gateway:9",
        "Always",
    )


def test_a_value_of_false_or_zero_overrides_a_default() -> None:
    overlay = {
        "services": {
            "hotline": {"podDisruptionBudget": {"enabled": False}, "topologySpread": {"enabled": False}, "replicas": 0}
        }
    }
    objects = render(GUSU, overlay)
    assert "hotline" not in of_kind(objects, "PodDisruptionBudget")
    hotline = of_kind(objects, "Deployment")["hotline"]["spec"]
    assert hotline["replicas"] == 0
    assert "topologySpreadConstraints" not in hotline["template"]["spec"]
    assert "catalogue" in of_kind(objects, "PodDisruptionBudget")


def test_a_change_of_a_setting_restarts_just_that_process() -> None:
    before = of_kind(render(GUSU), "Deployment")
    after = of_kind(render(GUSU, {"services": {"hotline": {"settings": {"MAX_WORKERS": "7"}}}}), "Deployment")
    changed = [name for name in before if before[name]["spec"]["template"] != after[name]["spec"]["template"]]
    assert changed == ["hotline"]
    assert _without(before["hotline"]["spec"], "template") == _without(after["hotline"]["spec"], "template")
