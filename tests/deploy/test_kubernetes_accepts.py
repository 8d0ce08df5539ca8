"""What is rendered is what a cluster of each supported version accepts, and what its "restricted" namespaces admit."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import kubernetes_validate
import kubernetes_validate.utils
import pytest

from tests.deploy.charts import CODES, GUSU, KUBERNETES, SHAPES, Object, render, templates
from tests.deploy.restricted import violations

#: Objects of others, which Kubernetes itself has no schema for.
_OTHERS = {"cert-manager.io/v1"}


@pytest.fixture(scope="module", autouse=True)
def remembered() -> Iterator[None]:
    """The package reads a megabyte of definitions for each object; once is enough."""
    with pytest.MonkeyPatch.context() as patch:
        reads = functools.cache(kubernetes_validate.utils.schema_contents)
        patch.setattr(kubernetes_validate.utils, "schema_contents", reads)
        yield


def refused(objects: list[Object], version: str) -> list[str]:
    found = []
    for one in objects:
        if one["apiVersion"] in _OTHERS:
            continue
        try:
            assert kubernetes_validate.validate(one, version, strict=True) == version
        except kubernetes_validate.ValidationError as error:
            found.append(f"{one['kind']} {one['metadata']['name']}: {'.'.join(map(str, error.path))}: {error.message}")
    return found


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("code", CODES)
def test_every_object_of_every_district_is_valid_in_the_strict_schema(code: str, version: str) -> None:
    assert refused(render(code), version) == []


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("shape", SHAPES)
def test_whatever_the_values_switch_on_is_valid_too(shape: str, version: str) -> None:
    assert refused(render(GUSU, SHAPES[shape]), version) == []


def test_an_invalid_object_would_be_seen() -> None:
    (deployment, *_) = (one for one in render() if one["kind"] == "Deployment")
    deployment["spec"]["template"]["spec"]["containers"][0]["imagePullPolice"] = "Never"
    assert all(refused([deployment], version) for version in KUBERNETES)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("code", CODES)
def test_every_pod_of_every_district_passes_the_restricted_profile(code: str, shape: str) -> None:
    wrong = {pod.name: list(violations(pod.spec)) for pod in templates(render(code, SHAPES[shape]))}
    assert len(wrong) >= 18
    assert {name: found for name, found in wrong.items() if found} == {}


def test_a_pod_that_breaks_the_profile_would_be_seen() -> None:
    bad = {
        "hostNetwork": True,
        "volumes": [{"name": "v", "hostPath": {}}],
        "containers": [{"name": "c", "securityContext": {"privileged": True}}],
    }
    said = list(violations(bad))
    assert len(said) == 7, said
