"""The alerting rules of prometheus/rules as Python: what tests and the index of runbooks need of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tongban_observability.registry import FOLDER

RULES = FOLDER / "prometheus" / "rules"
RULE_TESTS = FOLDER / "prometheus" / "tests"
RUNBOOKS = FOLDER.parent / "runbooks"


@dataclass(frozen=True)
class Alert:
    """One alert, and the file that it stands in."""

    name: str
    file: Path
    severity: str
    annotations: Mapping[str, str]


def alerts() -> Iterator[Alert]:
    """In the order of their files."""
    for file, rule in rules():
        if "alert" in rule:
            yield Alert(rule["alert"], file, rule["labels"]["severity"], rule["annotations"])


def rules() -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every rule, recording ones too."""
    for file in sorted(RULES.glob("*.yaml")):
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                yield file, rule


def index(readme: str) -> str:
    """infra/runbooks/README.md with its table made anew."""
    head, _, _ = readme.partition("| alert |")
    rows = [f"| [{alert.name}]({alert.name}.md) | {alert.severity} | {_meaning(alert)} |\n" for alert in alerts()]
    return f"{head}| alert | severity | means |\n|---|---|---|\n{''.join(rows)}"


def _meaning(alert: Alert) -> str:
    """The first sentence of its runbook."""
    text = (RUNBOOKS / f"{alert.name}.md").read_text()
    paragraph = " ".join(text.partition("## Meaning\n")[2].partition("\n\n")[0].split())
    sentence = paragraph.partition(". ")[0].rstrip(".")
    return sentence.replace("|", "\\|")
