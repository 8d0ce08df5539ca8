"""The registry of metrics: every one is declared once, by one line, with its labels; `exposition` adds service and district.

Names: `tongban_<what>_<unit>`; counters end in `_total`. Labels are of low cardinality and never name a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

#: From half a millisecond to ten seconds: calls, handlers and transactions all fit.
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)

_NAME = re.compile(r"tongban_[a-z0-9_]+")


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"a metric is named tongban_<what>_<unit>, not {name!r}")
    return name


def counter(name: str, meaning: str, *labels: str) -> Counter:
    """A count that only grows; `name` ends in `_total`. A name taken already raises ValueError, as for all three."""
    if not name.endswith("_total"):
        raise ValueError(f"a counter's name ends in _total, not {name!r}")
    return Counter(_checked(name), meaning, labels, registry=REGISTRY)


def gauge(name: str, meaning: str, *labels: str) -> Gauge:
    """A value that goes up and down."""
    return Gauge(_checked(name), meaning, labels, registry=REGISTRY)


def histogram(name: str, meaning: str, *labels: str, buckets: Sequence[float] = SECONDS) -> Histogram:
    """How values spread; durations in seconds."""
    return Histogram(_checked(name), meaning, labels, buckets=buckets, registry=REGISTRY)


RPC_SERVED = counter(
    "tongban_rpc_served_total", "Calls answered, by outcome: ok or the kind of the fault.", "method", "outcome"
)
RPC_SERVE_SECONDS = histogram("tongban_rpc_serve_seconds", "From taking a call to its answer.", "method")
RPC_EXPIRED = counter(
    "tongban_rpc_expired_total", "Calls not run because nobody waits for the answer any more.", "method"
)
RPC_CALLED = counter("tongban_rpc_called_total", "Calls made to other services.", "callee", "method", "outcome")
RPC_CALL_SECONDS = histogram("tongban_rpc_call_seconds", "From making a call to its answer.", "callee", "method")
EVENTS_HANDLED = counter(
    "tongban_events_handled_total",
    "Deliveries, by outcome: done, duplicate, ignored, retried, parked, given_back.",
    "handler",
    "outcome",
)
EVENT_HANDLE_SECONDS = histogram("tongban_event_handle_seconds", "A handler's transaction.", "handler")
OUTBOX_PUBLISHED = counter("tongban_outbox_published_total", "Rows that the broker confirmed.")
OUTBOX_UNROUTABLE = counter(
    "tongban_outbox_unroutable_total", "Rows that no queue was bound for; kept and tried again.", "type"
)
OUTBOX_RESENT = counter("tongban_outbox_resent_total", "Rows sent again after the broker came back empty.")
OUTBOX_WAITING = gauge("tongban_outbox_waiting", "Rows not confirmed yet.")
OUTBOX_OLDEST_SECONDS = gauge("tongban_outbox_oldest_seconds", "Age of the oldest row not confirmed yet.")
ROWS_FORGOTTEN = counter(
    "tongban_rows_forgotten_total", "Rows of messaging deleted because of their age: inbox, once.", "table"
)
BROKER_CONNECTED = gauge("tongban_broker_connected", "1 while the connection to the broker stands.", "connection")
BROKER_RECONNECTS = counter(
    "tongban_broker_reconnects_total", "Times the connection to the broker was lost.", "connection"
)
TIMER_RUNS = counter("tongban_timer_runs_total", "Runs of timed work, by outcome: ok or error.", "timer", "outcome")
WORKERS_BUSY = gauge("tongban_workers_busy", "Workers running now.")
SPANS_EXPORTED = counter("tongban_spans_exported_total", "Spans that the collector took.")
SPANS_DROPPED = counter(
    "tongban_spans_dropped_total", "Spans lost, by reason: queue_full, refused, unsendable, unflushed.", "reason"
)
NAMES_REFUSED = counter(
    "tongban_telemetry_names_refused_total", "Span names and attributes not in the registry.", "name"
)


class _Labelled(Collector):
    """The registry with labels that every sample carries."""

    def __init__(self, labels: dict[str, str]) -> None:
        self._labels = labels

    def collect(self) -> Iterable[Metric]:
        for metric in REGISTRY.collect():
            yield self._with_labels(metric)

    def _with_labels(self, metric: Metric) -> Metric:
        copy = Metric(metric.name, metric.documentation, metric.type, metric.unit)
        copy.samples = [sample._replace(labels={**self._labels, **sample.labels}) for sample in metric.samples]
        return copy


_labels: dict[str, str] = {}


def label_all(*, service: str, district: str) -> None:
    """From now on every sample says whose it is."""
    _labels.update(service=service, district=district)


def exposition() -> bytes:
    """All metrics in Prometheus' text format 0.0.4, for /metrics."""
    return generate_latest(_Labelled(_labels))  # type: ignore[arg-type]  # it only ever calls collect()


def names() -> Iterator[str]:
    """Names of everything registered, for the shape tests."""
    yield from sorted(metric.name for metric in REGISTRY.collect())
