"""A case's story, put together from what each district tells an operator: timeline, traces and spans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from tongban_local.installation import Installation
from tongban_spans.tree import Span, once_each, spans_of

from tongban_cli.client import Person, Refused

AWAY, REFUSED, TOLD = "away", "refused", "told"


@dataclass
class Story:
    """What was found, and which district said nothing."""

    number: str
    #: code → told, refused or away
    districts: dict[str, str] = field(default_factory=dict)
    timeline: list[dict[str, Any]] = field(default_factory=list)
    trace_ids: list[str] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)


def story(number: str, places: Iterable[Installation], *, login: str = "operator") -> Story:
    """Asks every district in `places` with an operator's own token. A district that refuses or is away is named."""
    found = Story(number)
    entries: dict[tuple[str, int, str], dict[str, Any]] = {}
    traces: dict[str, None] = {}
    for place in places:
        try:
            with Person.of(place, login) as operator:
                told = operator.get(f"/v1/cases/{number}/trace")
                timeline = operator.get(f"/v1/cases/{number}/timeline")["items"]
        except Refused as error:
            found.districts[place.code] = AWAY if error.status in (502, 503, 504) else REFUSED
            continue
        except httpx.TransportError:
            found.districts[place.code] = AWAY
            continue
        found.districts[place.code] = TOLD if told["spans_available"] else AWAY
        for entry in timeline:
            entries.setdefault((entry["district"], entry["version"], entry["event"]), entry)
        traces.update(dict.fromkeys(trace["trace_id"] for trace in told["traces"]))
        found.spans += spans_of({"batches": told["spans"]})
    found.timeline = sorted(entries.values(), key=lambda entry: (entry["at"], entry["district"], entry["version"]))
    found.trace_ids = list(traces)
    found.spans = once_each(found.spans)
    return found


def as_data(found: Story) -> Mapping[str, Any]:
    """The story as `--json` prints it."""
    from tongban_spans.tree import counts

    return {
        "case_no": found.number,
        "districts": found.districts,
        "trace_ids": found.trace_ids,
        "spans": counts(found.spans),
        "timeline": [{key: entry[key] for key in ("at", "district", "event", "note")} for entry in found.timeline],
    }


def timeline_table(found: Story, names: Mapping[str, str]) -> Any:
    """Both districts' acts, in the districts' own time."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from rich.table import Table

    table = Table("at (Asia/Shanghai)", "district", "act", "note", title=f"case {found.number}", title_justify="left")
    for entry in found.timeline:
        at = datetime.fromisoformat(entry["at"]).astimezone(ZoneInfo("Asia/Shanghai"))
        table.add_row(
            f"{at:%Y-%m-%d %H:%M:%S.%f}"[:-3],
            names.get(entry["district"], entry["district"]),
            entry["event"],
            entry["note"],
        )
    return table
