"""checkov, a scanner of others' making, finds nothing in a release that is not justified here."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tongban_cli.apart import program

from tests.deploy.charts import CODES, EVERYTHING, GUSU, render_text

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
#: (check, what it finds, by the end of its name) → why.
JUSTIFIED_HERE = {
    ("CKV_K8S_8", "-test"): "a test runs once and ends; nobody restarts it",
    ("CKV_K8S_9", "-test"): "a test serves nobody",
}


@pytest.mark.timeout(900)
def test_the_scanner_finds_nothing_in_any_district_that_is_not_justified(tmp_path: Path) -> None:
    """One run over a folder of renders: the scanner takes longer to start than to look."""
    renders = {f"{code}.yaml": (code, {}) for code in CODES} | {"everything.yaml": (GUSU, EVERYTHING)}
    for name, (code, shape) in renders.items():
        (tmp_path / name).write_text(render_text(code, shape, RELEASED))
    argv = [str(program("checkov")), "-d", str(tmp_path), "--framework", "kubernetes", "--skip-download", "-o", "json"]
    environ = {**os.environ, "HOME": str(tmp_path), "BC_SKIP_MAPPING": "TRUE"}
    done = subprocess.run(argv, check=False, capture_output=True, text=True, env=environ, cwd=tmp_path)
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    looked_at = Counter(Path(row["file_path"]).name for row in report["results"]["passed_checks"])
    assert looked_at.keys() == renders.keys()
    assert min(looked_at.values()) > 1000
    found = {(row["check_id"], row["resource"], row["file_path"]) for row in report["results"]["failed_checks"]}
    assert {row for row in found if not justified(*row[:2])} == set()
    assert set(JUSTIFIED) <= {check for check, *_ in found}, "a justification that justifies nothing"


def justified(check: str, resource: str) -> bool:
    return check in JUSTIFIED or any(check == one and resource.endswith(end) for one, end in JUSTIFIED_HERE)
