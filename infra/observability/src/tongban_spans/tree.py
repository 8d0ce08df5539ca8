"""A story told by spans: from several districts' answers to one tree, and to counts by district and service.

Reads Tempo's trace-by-id answer, its version 2, and plain OTLP JSON alike: `batches`, `trace` or `resourceSpans`, and ids
in base64 or hex. What is malformed is left out; what names a parent that no district showed is marked, not hidden.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.markup import escape
from rich.tree import Tree

_HEX = {16: re.compile(r"[0-9a-fA-F]{32}"), 8: re.compile(r"[0-9a-fA-F]{16}")}
#: Cases are told in the districts' own time.
_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Span:
    """One piece of work: ids in lower-case hex, times in nanoseconds since 1970."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    service: str
    district: str
    start: int
    end: int
    failed: bool = False
    error: str = ""
    #: Trace ids of other bursts of work that this one follows.
    links: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def milliseconds(self) -> float:
        return max(0, self.end - self.start) / 1e6


def spans_of(document: Mapping[str, Any]) -> list[Span]:
    """The spans in one trace source's answer."""
    inner = document.get("trace", document)
    batches = inner.get("batches") or inner.get("resourceSpans") or [] if isinstance(inner, Mapping) else []
    return [span for batch in batches if isinstance(batch, Mapping) for span in _of_batch(batch)]


def _of_batch(batch: Mapping[str, Any]) -> Iterator[Span]:
    resource = _attributes(batch.get("resource") or {})
    for scope in batch.get("scopeSpans") or []:
        for raw in scope.get("spans") or []:
            try:
                yield _span(raw, resource)
            except (ValueError, TypeError, AttributeError, KeyError):
                continue


def _span(raw: Mapping[str, Any], resource: Mapping[str, str]) -> Span:
    attributes = _attributes(raw)
    parent = raw.get("parentSpanId") or ""
    return Span(
        trace_id=_id(raw["traceId"], 16),
        span_id=_id(raw["spanId"], 8),
        parent_id=_id(parent, 8) if parent else "",
        name=str(raw.get("name", "")),
        service=resource.get("service.name", "?"),
        district=resource.get("district", "?"),
        start=int(raw.get("startTimeUnixNano", 0)),
        end=int(raw.get("endTimeUnixNano", 0)),
        failed=(raw.get("status") or {}).get("code") in ("STATUS_CODE_ERROR", 2),
        error=attributes.get("error.type", ""),
        links=tuple(_id(link["traceId"], 16) for link in raw.get("links") or []),
        attributes=attributes,
    )


def _attributes(holder: Mapping[str, Any]) -> dict[str, str]:
    return {
        str(pair["key"]): str(next(iter((pair.get("value") or {}).values()), ""))
        for pair in holder.get("attributes") or []
        if isinstance(pair, Mapping) and "key" in pair
    }


def _id(text: str, size: int) -> str:
    if _HEX[size].fullmatch(text):
        return text.lower()
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("neither hex nor base64") from error
    if len(raw) != size:
        raise ValueError("not an id")
    return raw.hex()


def once_each(spans: Iterable[Span]) -> list[Span]:
    """Every span once, by when it began; two districts may both hold the trace that ran through them."""
    return sorted({(s.trace_id, s.span_id): s for s in spans}.values(), key=lambda s: (s.start, s.end, s.span_id))


def is_whole(spans: Iterable[Span]) -> bool:
    """Whether every span that has a parent has it here: a parent ends last, so its absence says that more will come."""
    every = list(spans)
    ids = {(span.trace_id, span.span_id) for span in every}
    return all(not span.parent_id or (span.trace_id, span.parent_id) in ids for span in every)


def counts(spans: Iterable[Span]) -> dict[str, dict[str, int]]:
    """How many spans each district's services have: {district: {service: number}}."""
    numbers: dict[str, Counter[str]] = defaultdict(Counter)
    for span in once_each(spans):
        numbers[span.district][span.service] += 1
    return {district: dict(sorted(services.items())) for district, services in sorted(numbers.items())}


def tree(spans: Iterable[Span], title: str) -> Tree:
    """The whole story: a branch for every trace by when it began, saying which it follows, with its spans below."""
    by_trace: dict[str, list[Span]] = defaultdict(list)
    for span in once_each(spans):
        by_trace[span.trace_id].append(span)
    root = Tree(f"[bold]{escape(title)}[/bold]")
    for trace_id, members in by_trace.items():
        _add_trace(root, trace_id, members)
    return root


def _add_trace(root: Tree, trace_id: str, members: list[Span]) -> None:
    ids = {span.span_id for span in members}
    children: dict[str, list[Span]] = defaultdict(list)
    for span in members:
        children[span.parent_id if span.parent_id in ids else ""].append(span)
    districts = " ⇄ ".join(dict.fromkeys(span.district for span in members))
    follows = [link for link in dict.fromkeys(link for span in members for link in span.links) if link != trace_id]
    label = (
        f"[bold cyan]trace {trace_id}[/bold cyan] {_time(members[0].start)} {escape(districts)}, {len(members)} spans"
    )
    if follows:
        label += " [magenta]follows " + ", ".join(link[:8] for link in follows) + "[/magenta]"
    branch = root.add(label)
    shown: set[str] = set()
    _add_children(branch, children, "", shown)
    for span in members:  # spans that are each other's parents hang under nobody
        if span.span_id not in shown:
            shown.add(span.span_id)
            branch.add(_label(span, orphan=True))


def _add_children(branch: Tree, children: Mapping[str, list[Span]], parent: str, shown: set[str]) -> None:
    pending = [(branch, span) for span in reversed(children.get(parent, []))]
    while pending:  # a loop, because a trace may be deeper than Python's recursion goes
        at, span = pending.pop()
        if span.span_id in shown:
            continue
        shown.add(span.span_id)
        node = at.add(_label(span, orphan=bool(span.parent_id) and parent == "" and at is branch))
        pending.extend((node, child) for child in reversed(children.get(span.span_id, [])))


def _label(span: Span, *, orphan: bool) -> str:
    text = f"[green]{escape(span.district)}[/green] [yellow]{escape(span.service)}[/yellow] {escape(span.name)} "
    text += f"[dim]{span.milliseconds:.1f} ms[/dim]"
    if span.failed:
        text += f" [red]failed {escape(span.error)}[/red]"
    if orphan:
        text += " [dim](its parent was not shown to us)[/dim]"
    return text


def _time(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).astimezone(_ZONE).strftime("%Y-%m-%d %H:%M:%S")
