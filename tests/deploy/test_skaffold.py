"""skaffold.yaml: keys of its schema version, every image once, and the values of the chart that it sets."""

from __future__ import annotations

import copy
import os
import re
from typing import Any

import pytest
import yaml
from tongban_local.checkout import ROOT

from tests.deploy.charts import GUSU, HUANGPU, render, templates
from tests.deploy.images import images

CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
ARTIFACTS = {row["image"]: row for row in CONFIG["build"]["artifacts"]}
RELEASES = CONFIG["deploy"]["helm"]["releases"]

_ANY = object()  # free: its keys are not skaffold's
#: The part of the schema skaffold/v4beta13 that is used here, written from its published JSON schema. A list holds one shape.
SCHEMA: dict[str, Any] = {
    "apiVersion": str,
    "kind": str,
    "metadata": {"name": str, "labels": _ANY, "annotations": _ANY},
    "build": {
        "tagPolicy": {"inputDigest": {}, "gitCommit": _ANY, "sha256": {}, "envTemplate": {"template": str}},
        "local": {
            "push": bool,
            "tryImportMissing": bool,
            "useDockerCLI": bool,
            "useBuildkit": bool,
            "concurrency": int,
        },
        "artifacts": [
            {
                "image": str,
                "context": str,
                "docker": {
                    "dockerfile": str,
                    "target": str,
                    "buildArgs": _ANY,
                    "secrets": [{"id": str, "src": str, "env": str}],
                },
            }
        ],
    },
    "deploy": {
        "helm": {
            "releases": [
                {
                    "name": str,
                    "chartPath": str,
                    "namespace": str,
                    "createNamespace": bool,
                    "valuesFiles": [str],
                    "setValues": _ANY,
                    "setValueTemplates": _ANY,
                    "wait": bool,
                    "skipBuildDependencies": bool,
                    "dependsOn": [str],
                }
            ],
            "hooks": {
                "before": [{"host": {"command": [str], "os": [str], "dir": str}}],
                "after": [{"host": {"command": [str]}}],
            },
        }
    },
    "profiles": [{"name": str, "patches": [{"op": str, "path": str, "from": str, "value": _ANY}]}],
}


def wrong(found: Any, shape: Any, path: str = "") -> list[str]:
    """Where `found` has a key, or a kind of value, that the schema has not."""
    if shape is _ANY:
        return []
    if isinstance(shape, dict):
        if not isinstance(found, dict):
            return [f"{path}: not a mapping"]
        unknown = [f"{path}.{key}: unknown" for key in found if key not in shape]
        return unknown + [
            one for key in found if key in shape for one in wrong(found[key], shape[key], f"{path}.{key}")
        ]
    if isinstance(shape, list):
        if not isinstance(found, list):
            return [f"{path}: not a list"]
        return [one for number, item in enumerate(found) for one in wrong(item, shape[0], f"{path}[{number}]")]
    return [] if isinstance(found, shape) else [f"{path}: not {shape.__name__}"]


def test_every_key_is_one_of_its_schema_version() -> None:
    assert CONFIG["apiVersion"] == "skaffold/v4beta13"
    assert wrong(CONFIG, SCHEMA) == []


def test_a_key_of_another_version_would_be_seen() -> None:
    old = copy.deepcopy(CONFIG)
    old["deploy"]["helm"]["releases"][0]["artifactOverrides"] = {"image": "tongban/gateway"}
    old["build"]["artifacts"][0]["imageName"] = "x"
    assert wrong(old, SCHEMA) == [
        ".build.artifacts[0].imageName: unknown",
        ".deploy.helm.releases[0].artifactOverrides: unknown",
    ]


def test_every_image_is_built_once_from_the_one_dockerfile_with_its_ring() -> None:
    assert len(ARTIFACTS) == len(CONFIG["build"]["artifacts"])
    built = {row["docker"]["buildArgs"]["SERVICE"]: row for row in ARTIFACTS.values()}
    assert {name: row["docker"]["buildArgs"]["RING"] for name, row in built.items()} == {
        name: image.ring for name, image in images().items()
    }
    assert {row["docker"]["dockerfile"] for row in built.values()} == {"infra/image/Dockerfile"}
    assert all(row["image"] == f"tongban/{name}" and row["context"] == "." for name, row in built.items())


def rendered_from(release: dict[str, Any]) -> set[str]:
    """The images of ours in the pods of a release, with skaffold's answers for a registry of the reader's."""
    overlay: dict[str, Any] = {}
    for key, template in release["setValueTemplates"].items():
        *path, last = key.split(".")
        here = overlay
        for part in path:
            here = here.setdefault(part, {})
        kind, name = re.fullmatch(r"\{\{\.IMAGE_(DOMAIN|REPO_NO_DOMAIN|TAG)_([a-z_]+)\}\}", template).groups()  # type: ignore[union-attr]
        artifact = next(image for image in ARTIFACTS if re.sub(r"[/.-]", "_", image) == name)
        here[last] = {"DOMAIN": "registry.example", "REPO_NO_DOMAIN": artifact, "TAG": f"t-{name}"}[kind]
    pods = templates(render(release["name"].removeprefix("d"), overlay))
    return {container["image"] for pod in pods for container in pod.containers}


@pytest.mark.parametrize("number", [0, 1])
def test_every_pod_of_ours_runs_an_image_that_was_built_just_now(number: int) -> None:
    found = rendered_from(RELEASES[number])
    ours = {image for image in found if "tongban" in image}
    assert ours == {f"registry.example/{image}:t-{re.sub(r'[/.-]', '_', image)}" for image in ARTIFACTS}
    assert len(found - ours) == 2  # the embedded broker and database


def test_two_districts_go_into_two_namespaces_from_their_own_values() -> None:
    assert [(row["name"], row["namespace"], row["valuesFiles"]) for row in RELEASES] == [
        (f"d{code}", f"d{code}", [f"infra/districts/{code}/values.yaml"]) for code in (GUSU, HUANGPU)
    ]
    for row in RELEASES:
        assert (ROOT / row["valuesFiles"][0]).exists()
        assert (ROOT / row["chartPath"] / "Chart.yaml").exists()


def patched(name: str) -> dict[str, Any]:
    """The configuration under one profile: JSON Patch (RFC 6902) for the operations that stand here."""
    made = copy.deepcopy(CONFIG)
    (profile,) = (row for row in CONFIG["profiles"] if row["name"] == name)
    for patch in profile["patches"]:
        *path, last = patch["path"].strip("/").split("/")
        here: Any = made
        for part in path:
            here = here[int(part)] if isinstance(here, list) else here[part]
        key: Any = int(last) if isinstance(here, list) else last
        if patch["op"] == "remove":
            del here[key]
        elif patch["op"] == "replace":
            assert here[key] is not None
            here[key] = patch["value"]
        else:
            assert patch["op"] == "add"
            here[key] = patch["value"]
    return made


@pytest.mark.parametrize(("profile", "code"), [("gusu", GUSU), ("huangpu", HUANGPU)])
def test_a_districts_profile_installs_it_alone(profile: str, code: str) -> None:
    helm = patched(profile)["deploy"]["helm"]
    assert [row["name"] for row in helm["releases"]] == [f"d{code}"]
    for step, hooks in (("secrets", helm["hooks"]["before"]), ("trust", helm["hooks"]["after"])):
        assert [row["host"]["command"] for row in hooks] == [["infra/districts/cluster.sh", step, code]]


def test_the_debug_profile_sets_values_that_the_chart_has() -> None:
    config = patched("debug")
    assert wrong(config, SCHEMA) == []
    for row in config["deploy"]["helm"]["releases"]:
        overlay: dict[str, Any] = {}
        for key, value in row["setValues"].items():
            *path, last = key.split(".")
            here = overlay
            for part in path:
                here = here.setdefault(part, {})
            here[last] = value
        assert render(row["name"].removeprefix("d"), overlay)


def test_the_hooks_are_there_to_be_run() -> None:
    for hooks in CONFIG["deploy"]["helm"]["hooks"].values():
        for row in hooks:
            assert os.access(ROOT / row["host"]["command"][0], os.X_OK)
