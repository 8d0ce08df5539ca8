"""`python -m tongban_observability [--check]`: writes the dashboards and the index of the runbooks; with --check, only compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tongban_observability.alerts import RUNBOOKS, index
from tongban_observability.pages import dashboards
from tongban_observability.registry import FOLDER

DASHBOARDS = FOLDER / "dashboards"


def generated() -> dict[Path, str]:
    """Every generated file, with what it should hold."""
    readme = RUNBOOKS / "README.md"
    files = {readme: index(readme.read_text())}
    for dashboard in dashboards():
        text = json.dumps(dashboard.model(), indent=1, ensure_ascii=False)
        files[DASHBOARDS / f"{dashboard.uid.removeprefix('tongban-')}.json"] = f"{text}\n"
    return files


def stale() -> list[str]:
    """What differs from what it is made from, or is made from nothing any more."""
    files = generated()
    differ = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    left_over = [path for path in DASHBOARDS.glob("*.json") if path not in files]
    return [str(path.relative_to(FOLDER.parent)) for path in sorted([*differ, *left_over])]


def main(argv: list[str]) -> int:
    if argv == ["--check"]:
        for name in stale():
            print(f"infra/{name} differs from what it is made from: python -m tongban_observability", file=sys.stderr)
        return 1 if stale() else 0
    for path, text in generated().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
