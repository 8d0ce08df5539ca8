"""What running processes say, held against the registry: nothing outside it, and nothing in it that nobody says."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tongban_observability.registry import MetricRow, Registry, SpanRow

_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_FAILED = frozenset({"error.type"})


@dataclass(frozen=True)
class SeenSample:
    """One kind of sample: which process said it, of which metric, with which labels, and whether it ever was not 0."""

    process: str
    metric: str
    type: str
    labels: frozenset[str]
    counted: bool


@dataclass(frozen=True)
class SeenSpan:
    """One span as it left its process."""

    service: str
    name: str
    kind: str
    attributes: frozenset[str]
    resource: frozenset[str]


def samples_in(process: str, exposition: str) -> Iterator[SeenSample]:
    """What a process' /metrics page shows; the client library's `_created` series belong to their metrics."""
    for family in text_string_to_metric_families(exposition):
        if family.type == "gauge" and family.name.endswith("_created"):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                labels = frozenset(sample.labels) - {"le"}
                yield SeenSample(process, name, family.type, labels, bool(sample.value))


def span_seen(span: Any, resource: Any) -> SeenSpan:
    """An OTLP span with its resource, as the receiver keeps them."""
    of = {attribute.key: attribute.value.string_value for attribute in resource.attributes}
    attributes = frozenset(attribute.key for attribute in span.attributes)
    return SeenSpan(of.get("service.name", ""), span.name, _KINDS[span.kind], attributes, frozenset(of))


def metric_faults(registry: Registry, seen: Iterable[SeenSample]) -> list[str]:
    """What differs, one sentence each."""
    faults, said = set(), set()
    for sample in seen:
        row = registry.metrics.get(sample.metric)
        if row is None:
            faults.add(f"{sample.process} says {sample.metric}, which is not in the registry")
            continue
        faults |= set(_sample_faults(row, sample))
        if sample.process in row.by:
            said.add(row.name)
    silent = [row for row in registry.metrics.values() if row.name not in said and not row.shown_by]
    return sorted(faults) + [f"nobody says {row.name}" for row in silent]


def _sample_faults(row: MetricRow, sample: SeenSample) -> Iterator[str]:
    if sample.type != row.type:
        yield f"{sample.metric} is a {sample.type}, not a {row.type}"
    if sample.labels != row.labels:
        yield f"{sample.metric} has the labels {sorted(sample.labels)}, not {sorted(row.labels)}"
    # Whoever shares the library shows an unlabelled metric as 0, whether it has to do with it or not.
    if sample.process not in row.by and (row.own_labels or sample.counted):
        yield f"{sample.process} says {sample.metric}, which is not its own"


def span_faults(registry: Registry, seen: Iterable[SeenSpan]) -> list[str]:
    """What differs, one sentence each."""
    faults, said = set(), set()
    for span in seen:
        rows = [row for row in registry.spans if row.pattern.fullmatch(span.name)]
        if len(rows) != 1:
            faults.add(f"{len(rows)} rows of the registry fit {span.service}'s span {span.name!r}")
            continue
        said.add(rows[0].name)
        faults |= set(_span_faults(rows[0], span))
        if span.resource != registry.resource:
            faults.add(f"the resource of {span.service}'s spans has {sorted(span.resource)}")
    silent = [row for row in registry.spans if row.name not in said and not row.shown_by]
    return sorted(faults) + [f"no span is named {row.name!r}" for row in silent]


def _span_faults(row: SpanRow, span: SeenSpan) -> Iterator[str]:
    if span.kind != row.kind:
        yield f"{span.name!r} is of kind {span.kind}, not {row.kind}"
    if not any(process.removesuffix("_http") == span.service for process in row.by):
        yield f"{span.service} has a span {row.name!r}, which is not its own"
    # What failed early may have ended before all of it was known.
    missing = frozenset() if span.attributes & _FAILED else row.attributes - span.attributes
    if missing:
        yield f"{row.name!r} lacks {sorted(missing)}"
    if extra := span.attributes - row.attributes - row.may - _FAILED:
        yield f"{row.name!r} has {sorted(extra)}"


def page(url: str) -> str:
    """The text at an address without TLS, such as a process' /metrics."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  a process of our own
        return str(answer.read().decode())
