"""infra/districts/applicationset.yaml: each district's folder becomes one release of the chart, in its own restricted namespace."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tongban_local.checkout import ROOT

from tests.deploy.charts import CODES, GUSU, values_of
from tests.deploy.test_skaffold import wrong

MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "infra" / "districts" / "applicationset.yaml").read_text())
_FREE = {"name": str, "namespace": str, "labels": {"app.kubernetes.io/part-of": str}}
#: The part of argoproj.io/v1alpha1 that is used here, written from the published custom resource definition.
SCHEMA: dict[str, Any] = {
    "apiVersion": str,
    "kind": str,
    "metadata": _FREE,
    "spec": {
        "goTemplate": bool,
        "goTemplateOptions": [str],
        "generators": [{"git": {"repoURL": str, "revision": str, "files": [{"path": str}]}}],
        "syncPolicy": {"preserveResourcesOnDeletion": bool},
        "template": {
            "metadata": _FREE,
            "spec": {
                "project": str,
                "source": {
                    "repoURL": str,
                    "targetRevision": str,
                    "path": str,
                    "helm": {"releaseName": str, "valueFiles": [str]},
                },
                "destination": {"server": str, "namespace": str},
                "syncPolicy": {
                    "automated": {"prune": bool, "selfHeal": bool},
                    "syncOptions": [str],
                    "managedNamespaceMetadata": {"labels": {"pod-security.kubernetes.io/enforce": str}},
                },
            },
        },
    },
}


def filled(template: Any, found: dict[str, Any]) -> Any:
    """As Go's templates fill in `{{.a.b}}`; a key that is missing is an error (`missingkey=error`)."""
    if isinstance(template, dict):
        return {key: filled(value, found) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, found) for value in template]
    if not isinstance(template, str):
        return template

    def at(match: re.Match[str]) -> str:
        here: Any = found
        for part in match[1].split("."):
            here = here[part]
        return str(here)

    return re.sub(r"\{\{\.([a-zA-Z.]+)\}\}", at, template)


def applications() -> dict[str, dict[str, Any]]:
    """What the generator makes: one for each file that fits, with the file's own content and its path."""
    (generator,) = MANIFEST["spec"]["generators"]
    (files,) = generator["git"]["files"]
    made = {}
    for path in sorted(ROOT.glob(files["path"])):
        found = yaml.safe_load(path.read_text()) | {"path": {"basename": path.parent.name}}
        one = filled(MANIFEST["spec"]["template"], found)
        made[one["metadata"]["name"]] = one["spec"]
    return made


def test_every_key_is_one_of_argo_cds() -> None:
    assert (MANIFEST["apiVersion"], MANIFEST["kind"]) == ("argoproj.io/v1alpha1", "ApplicationSet")
    assert wrong(MANIFEST, SCHEMA) == []


def test_every_district_is_one_application_and_nothing_else_is() -> None:
    assert set(applications()) == {f"d{code}" for code in CODES}


@pytest.mark.parametrize("code", CODES)
def test_an_application_is_the_release_that_a_person_would_install(code: str) -> None:
    one = applications()[f"d{code}"]
    chart = ROOT / one["source"]["path"]
    assert (chart / "Chart.yaml").exists()
    (values,) = one["source"]["helm"]["valueFiles"]
    assert Path(chart, values).resolve() == values_of(code)
    assert one["source"]["helm"]["releaseName"] == one["destination"]["namespace"] == f"d{code}"


def test_the_namespace_enforces_restricted_and_a_lost_folder_takes_no_data_with_it() -> None:
    policy = applications()[f"d{GUSU}"]["syncPolicy"]
    assert policy["managedNamespaceMetadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    assert {"CreateNamespace=true", "ServerSideApply=true"} <= set(policy["syncOptions"])
    assert MANIFEST["spec"]["syncPolicy"]["preserveResourcesOnDeletion"] is True
