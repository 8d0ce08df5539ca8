"""The few kinds of Grafana panels that our dashboards use, as Grafana's JSON model (schema version 39) has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SOURCE = {"type": "prometheus", "uid": "${source}"}
#: Grafana's grid is 24 columns wide.
_WIDTH = 24

Json = dict[str, Any]


@dataclass(frozen=True)
class Panel:
    """One panel: what it asks, how it shows it, and how much room it takes."""

    title: str
    #: Legend → PromQL.
    queries: Mapping[str, str]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    height: int = 7
    meaning: str = ""
    #: From which values on it is drawn in orange and in red.
    limits: tuple[float, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    def model(self, number: int, x: int, y: int) -> Json:
        instant = self.kind != "timeseries"
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.meaning,
            "datasource": SOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "targets": [_target(at, *query, instant) for at, query in enumerate(self.queries.items())],
            "fieldConfig": {"defaults": self._defaults(), "overrides": []},
            **self.more,
        }

    def _defaults(self) -> Json:
        steps: list[Json] = [{"color": "green", "value": None}]
        steps += [{"color": color, "value": at} for color, at in zip(("orange", "red"), self.limits, strict=False)]
        drawn: Json = {"unit": self.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
        if self.kind == "table":
            drawn["custom"] = {"align": "center", "cellOptions": {"type": "color-background", "mode": "basic"}}
        if self.kind == "timeseries" and self.limits:
            drawn["custom"] = {"thresholdsStyle": {"mode": "dashed"}}
        return drawn


def matrix(title: str, query: str, labels: tuple[str, str], **more: Any) -> Panel:
    """A table with a line for each value of the first label and a column for each of the second."""
    rows, columns = labels
    turned = {"id": "groupingToMatrix", "options": {"rowField": rows, "columnField": columns, "valueField": "Value"}}
    return Panel(title, {"": query}, kind="table", width=12, more={"transformations": [turned]}, **more)


def _target(number: int, legend: str, query: str, instant: bool) -> Json:
    shape = {"instant": True, "range": False, "format": "table"} if instant else {"instant": False, "range": True}
    name = chr(ord("A") + number)
    return {"refId": name, "datasource": SOURCE, "expr": query, "legendFormat": legend or "__auto", **shape}


@dataclass(frozen=True)
class Dashboard:
    """A page of panels, in rows with headings; `asks` are the labels that one chooses at its top."""

    uid: str
    title: str
    meaning: str
    rows: Mapping[str, Sequence[Panel]]
    #: Label → the query that its values come from.
    asks: Mapping[str, str]

    def model(self) -> Json:
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.meaning,
            "tags": ["tongban"],
            "schemaVersion": 39,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": "now-3h", "to": "now"},
            "timezone": "Asia/Shanghai",
            "templating": {"list": [_source_choice(), *(_choice(*ask) for ask in self.asks.items())]},
            "panels": list(self._laid_out()),
        }

    def _laid_out(self) -> list[Json]:
        found: list[Json] = []
        y = 0
        for heading, panels in self.rows.items():
            at = {"x": 0, "y": y, "w": _WIDTH, "h": 1}
            row = {
                "id": len(found) + 1,
                "type": "row",
                "title": heading,
                "collapsed": False,
                "gridPos": at,
                "panels": [],
            }
            found.append(row)
            y += 1
            x = tallest = 0
            for panel in panels:
                if x + panel.width > _WIDTH:
                    x, y, tallest = 0, y + tallest, 0
                found.append(panel.model(len(found) + 1, x, y))
                x, tallest = x + panel.width, max(tallest, panel.height)
            y += tallest
        return found


def _source_choice() -> Json:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": {}}


def _choice(label: str, query: str) -> Json:
    return {
        "name": label,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": f"label_values({query}, {label})", "refId": label},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "sort": 1,
        "current": {"text": "All", "value": "$__all"},
    }
