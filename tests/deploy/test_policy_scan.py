"""checkov, a scanner of others' making, finds nothing in a release that is not justified here."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tongban_cli.apart import program

from tests.deploy.charts import EVERYTHING, GUSU, render_text

_DIGEST = "sha256:" + "c" * 64
_PINNED = {"image": {"digest": _DIGEST}}
#: As a release is installed: every image by its digest, and pulled anew.
RELEASED: dict[str, Any] = {
    "image": {"pullPolicy": "Always"},
    "serviceDefaults": _PINNED,
    "setup": _PINNED,
    "broker": {"embedded": _PINNED},
    "database": {"embedded": _PINNED},
}
#: check → why what it finds is meant.
JUSTIFIED = {
    "CKV_K8S_35": "a process reads its passwords once, at its start, and they are parts of URLs that the kubelet composes; "
    "one key a process, so neither its files nor its variables hold another's",
}
#: (check, what it finds) → why.
JUSTIFIED_HERE = {
    ("CKV_K8S_8", f"Pod.d{GUSU}.d{GUSU}-test"): "a test runs once and ends; nobody restarts it",
    ("CKV_K8S_9", f"Pod.d{GUSU}.d{GUSU}-test"): "a test serves nobody",
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("shape", [{}, EVERYTHING], ids=["embedded", "everything"])
def test_the_scanner_finds_nothing_that_is_not_justified(shape: dict[str, Any], tmp_path: Path) -> None:
    rendered = tmp_path / "district.yaml"
    rendered.write_text(render_text(GUSU, shape, RELEASED))
    argv = [str(program("checkov")), "-f", str(rendered), "--framework", "kubernetes", "--skip-download", "-o", "json"]
    environ = {**os.environ, "HOME": str(tmp_path), "BC_SKIP_MAPPING": "TRUE"}
    done = subprocess.run(argv, check=False, capture_output=True, text=True, env=environ, cwd=tmp_path)
    report = json.loads(done.stdout)
    assert report["summary"]["passed"] > 1000
    assert report["summary"]["parsing_errors"] == 0
    found = {(row["check_id"], row["resource"]) for row in report["results"]["failed_checks"]}
    assert {row for row in found if row[0] not in JUSTIFIED and row not in JUSTIFIED_HERE} == set()
    assert set(JUSTIFIED) <= {check for check, _ in found}, "a justification that justifies nothing"
