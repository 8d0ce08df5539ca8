"""What Kubernetes refuses to change in an object that exists: kept of each release, so that a later chart can be held against it.

    python -m tests.deploy.fixed CHART VALUES >tests/deploy/releases/<version>.fixed.json

writes it for a chart and the values of the district in it: run it with a release, never to make a change pass. The file of
0.1.0 was made from the chart as it first stood (commit 8fff6c4, unpacked by `git worktree add --detach FOLDER 8fff6c4`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from tongban_cli.helm import installed

#: Fields of the spec, by kind. A volume claim may only grow, so its size is not among them.
FIELDS = {
    "Deployment": ("selector",),
    "StatefulSet": ("selector", "serviceName", "volumeClaimTemplates", "podManagementPolicy"),
    "Job": ("template", "selector", "completions", "completionMode"),
    "Service": ("clusterIP", "type"),
    "PersistentVolumeClaim": ("accessModes", "storageClassName", "volumeName", "volumeMode"),
}


def fixed(objects: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """`Kind/name` → its fields that cannot be changed; a Job's template as a digest."""
    return {
        f"{one['kind']}/{one['metadata']['name']}": {
            field: _kept(one["spec"].get(field)) for field in FIELDS[one["kind"]]
        }
        for one in objects
        if one["kind"] in FIELDS
    }


def refused(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> list[str]:
    """What Kubernetes would refuse in an upgrade, and what the upgrade would take away. A Job may go: another is made."""
    gone = [name for name in before.keys() - after.keys() if not name.startswith("Job/")]
    changed = [
        f"{name}: {field}"
        for name in before.keys() & after.keys()
        for field, value in before[name].items()
        if after[name].get(field) != value
    ]
    return sorted([*(f"{name} is gone" for name in gone), *changed])


def _kept(value: Any) -> Any:
    """A pod's template is long, and which line of it changed matters to nobody here."""
    if isinstance(value, dict) and "spec" in value:
        return "sha256:" + hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
    return value


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.deploy.fixed", description=__doc__)
    parser.add_argument("chart", type=Path)
    parser.add_argument("values", type=Path)
    given = parser.parse_args()
    code = yaml.safe_load(given.values.read_text())["district"]["code"]
    argv = [installed()[4], "template", f"d{code}", given.chart, "--namespace", f"d{code}", "--values", given.values]
    text = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    objects = [one for one in yaml.load_all(text, Loader=yaml.CSafeLoader) if one]
    print(json.dumps(fixed(objects), indent=1, sort_keys=True, ensure_ascii=False))


if __name__ == "__main__":
    main()
