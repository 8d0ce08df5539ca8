"""infra/districts/cluster.sh, with a kubectl that writes down what it is asked: what reaches the cluster, and from whose keys."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from courier import registry_file
from tongban_local.checkout import ROOT

from tests.deploy.charts import GUSU, HUANGPU, render, templates

_KUBECTL = """#!/bin/sh
case "$*" in *--stdin*|*--filename=-*) input=$(cat) ;; *) input= ;; esac
python3 - "$input" "$@" <<'PY' >>"$KUBECTL_LOG"
import json, sys
print(json.dumps({"argv": sys.argv[2:], "input": sys.argv[1]}))
PY
"""


class Cluster:
    """Runs the script; `asked` is what kubectl was asked since."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.districts = folder / "districts"
        for code in (GUSU, HUANGPU):
            shutil.copytree(ROOT / "infra" / "districts" / code, self.districts / code)
        (folder / "bin").mkdir()
        (folder / "bin" / "kubectl").write_text(_KUBECTL)
        (folder / "bin" / "kubectl").chmod(0o755)

    def __call__(self, *argv: str) -> list[dict[str, Any]]:
        log = self.folder / "asked"
        log.write_text("")
        told = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "KEEP": str(self.folder / "keep"),
            "DISTRICTS_DIR": str(self.districts),
            "KUBECTL_LOG": str(log),
        }
        script = str(ROOT / "infra" / "districts" / "cluster.sh")
        done = subprocess.run([script, *argv], check=False, capture_output=True, text=True, env=told)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


def secrets_in(asked: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    documents = [one for row in asked if "--server-side" in row["argv"] for one in yaml.safe_load_all(row["input"])]
    return {f"{one['metadata']['namespace']}/{one['metadata']['name']}": one for one in documents}


def test_every_secret_that_the_rendered_release_mounts_is_applied_with_every_key(cluster: Cluster) -> None:
    found = secrets_in(cluster("secrets", GUSU, HUANGPU))
    for code in (GUSU, HUANGPU):
        for pod in templates(render(code)):
            for name, keys in wanted(pod.spec):
                assert f"d{code}/{name}" in found, (pod.name, name)
                assert keys <= found[f"d{code}/{name}"]["stringData"].keys(), (pod.name, name)


def wanted(spec: dict[str, Any]) -> list[tuple[str, set[str]]]:
    """(Secret, keys) of a pod, those that may be absent left out."""
    found = []
    for volume in spec.get("volumes", ()):
        if (secret := volume.get("secret")) and not secret.get("optional"):
            found.append((secret["secretName"], {row["key"] for row in secret.get("items", ())}))
    for container in (*spec.get("initContainers", ()), *spec["containers"]):
        for row in container.get("env", ()):
            reference = row.get("valueFrom", {}).get("secretKeyRef", {})
            if reference and not reference.get("optional"):
                found.append((reference["name"], {reference["key"]}))
    return found


def test_the_namespaces_enforce_the_restricted_profile(cluster: Cluster) -> None:
    asked = cluster("secrets", GUSU, HUANGPU)
    labels = [row["argv"] for row in asked if row["argv"][0] == "label"]
    assert [argv[2] for argv in labels] == [f"d{GUSU}", f"d{HUANGPU}"]
    assert all("pod-security.kubernetes.io/enforce=restricted" in argv for argv in labels)


def test_running_it_again_changes_no_secret(cluster: Cluster) -> None:
    assert secrets_in(cluster("secrets", GUSU, HUANGPU)) == secrets_in(cluster("secrets", GUSU, HUANGPU))


def test_both_couriers_get_a_registry_that_names_both_and_an_agreement_that_both_signed(cluster: Cluster) -> None:
    cluster("secrets", GUSU, HUANGPU)
    asked = [row for row in cluster("trust", GUSU, HUANGPU) if row["argv"][0] == "exec"]
    root = json.loads((cluster.folder / "keep" / "alliance" / "root.pub.jwk").read_text())
    for code in (GUSU, HUANGPU):
        mine = [row for row in asked if f"deployment/d{code}-courier" in row["argv"]]
        assert [row["argv"][-1] for row in mine] == ["install-registry", "install-agreement"]
        registry = registry_file.read_registry(mine[0]["input"], root)
        assert registry.linked(GUSU, HUANGPU)
        assert registry_file.read_agreement(mine[1]["input"], registry).parties == (HUANGPU, GUSU)


def test_a_second_round_of_trust_is_the_next_version(cluster: Cluster) -> None:
    cluster("secrets", GUSU, HUANGPU)
    cluster("trust", GUSU, HUANGPU)
    asked = [row for row in cluster("trust", GUSU, HUANGPU) if row["argv"][-1] == "install-registry"]
    root = json.loads((cluster.folder / "keep" / "alliance" / "root.pub.jwk").read_text())
    assert [registry_file.read_registry(row["input"], root).version for row in asked] == [2, 2]
