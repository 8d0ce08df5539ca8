"""telemetry.yaml as Python: every metric and every span that may leave a process of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2]
FILE = FOLDER / "telemetry.yaml"

_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")


@dataclass(frozen=True)
class MetricRow:
    """One metric. `labels` are all that a sample carries, those of every sample included."""

    name: str
    type: str
    unit: str
    labels: frozenset[str]
    own_labels: frozenset[str]
    by: frozenset[str]
    meaning: str
    #: `path::test` that makes a sample, where an ordinary run has none.
    shown_by: str


@dataclass(frozen=True)
class SpanRow:
    """One pattern of span names, with its kind and the attributes that it always and that it sometimes has."""

    name: str
    pattern: re.Pattern[str]
    kind: str
    by: frozenset[str]
    attributes: frozenset[str]
    may: frozenset[str]
    meaning: str
    shown_by: str

    @property
    def verb(self) -> str:
        return self.name.partition(" ")[0]


@dataclass(frozen=True)
class Registry:
    """The contract between those who emit and those who watch."""

    metrics: Mapping[str, MetricRow]
    spans: tuple[SpanRow, ...]
    #: Metrics of others (broker, database, Prometheus) that rules and dashboards use → who gives them.
    foreign: Mapping[str, str]
    resource: frozenset[str]

    @classmethod
    def load(cls, file: Path = FILE) -> Registry:
        return cls.of(yaml.safe_load(file.read_text()))

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Registry:
        groups, common = table["processes"], frozenset(table["common_labels"])
        metrics = {name: _metric(name, row, groups, common) for name, row in table["metrics"].items()}
        spans = tuple(_span(row, groups, table["placeholders"]) for row in table["spans"])
        return cls(metrics, spans, table["foreign"], frozenset(table["resource"]))

    def series(self) -> frozenset[str]:
        """Every name that a query may use: a histogram is read by three of its own."""
        parts = ("_bucket", "_count", "_sum")
        ours = {
            row.name + part
            for row in self.metrics.values()
            for part in (parts if row.type == "histogram" else ("",))
        }  # fmt: skip
        return frozenset(ours | self.foreign.keys())


def _metric(name: str, row: Mapping[str, Any], groups: Mapping[str, list[str]], common: frozenset[str]) -> MetricRow:
    own = frozenset(row["labels"])
    return MetricRow(
        name,
        row["type"],
        row["unit"],
        own if row.get("own_labels") else own | common,
        own,
        _processes(row["by"], groups),
        row["meaning"],
        _shown_by(row),
    )


def _span(row: Mapping[str, Any], groups: Mapping[str, list[str]], placeholders: Mapping[str, str]) -> SpanRow:
    parts = _PLACEHOLDER.split(row["name"])  # text, placeholder, text, …
    written = "".join(placeholders[part] if at % 2 else re.escape(part) for at, part in enumerate(parts))
    return SpanRow(
        row["name"],
        re.compile(written),
        row["kind"],
        _processes(row["by"], groups),
        frozenset(row["attributes"]),
        frozenset(row.get("may", ())),
        row["meaning"],
        _shown_by(row),
    )


def _shown_by(row: Mapping[str, Any]) -> str:
    return str(row.get("only_on_failure") or row.get("only_on_occasion") or "")


def _processes(by: str | list[str], groups: Mapping[str, list[str]]) -> frozenset[str]:
    named = [by] if isinstance(by, str) else by
    return frozenset(process for name in named for process in groups.get(name, [name]))
