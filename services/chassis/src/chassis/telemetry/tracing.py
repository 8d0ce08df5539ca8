"""Spans of the OpenTelemetry SDK, opened cheaply and carried as `traceparent` strings."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable, Mapping, MutableMapping
from types import TracebackType
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Tracer, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.types import AttributeValue

from chassis.telemetry.export import BoundedProcessor, HttpSender
from chassis.telemetry.metrics import label_all

HEADER = "traceparent"

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")
_KINDS = {kind.name.lower(): kind for kind in SpanKind}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)

_UNSET, _ERROR = Status(StatusCode.UNSET), Status(StatusCode.ERROR)

_tracer: Tracer | None = None
_resource: Resource | None = None
_processor: BoundedProcessor | None = None
#: Ids of the open lazy spans of which nothing has come yet.
_unused: set[int] = set()


def configure(service: str, district: str, otlp_endpoint: str = "") -> None:
    """Says whose spans and metrics these are, and where spans go: the base URL of an OTLP/HTTP collector, or "" for nowhere.

    May be called again; what the earlier processor still held is sent within its time limit.
    """
    global _tracer, _resource, _processor  # noqa: PLW0603 -- one process has one tracer, and every module opens spans
    label_all(service=service, district=district)
    old, _processor, _tracer = _processor, None, None
    if old is not None:
        old.shutdown()
    if not otlp_endpoint:
        return
    _resource = Resource({"service.name": service, "service.namespace": "tongban", "district": district})
    # No atexit hook: the runner flushes within its own deadline while it drains.
    provider = TracerProvider(sampler=ALWAYS_ON, resource=_resource, shutdown_on_exit=False)
    _processor = BoundedProcessor(HttpSender(otlp_endpoint))
    provider.add_span_processor(_processor)
    tracer = provider.get_tracer("tongban")
    assert isinstance(tracer, Tracer)
    _tracer = tracer


def flush(timeout_s: float = 2.0) -> bool:
    """Sends what is queued; False if some of it was still there after `timeout_s` seconds. Never raises."""
    return _processor is None or _processor.force_flush(int(timeout_s * 1000))


class span:  # noqa: N801 -- reads as the verb it is: with span("serve catalogue.find_items")
    """A span around a block. Yields the OpenTelemetry span.

    `kind` is internal, server, client, producer or consumer; `parent` a traceparent that came in ("": the current span);
    `links` traceparents of other traces this one has to do with. A `lazy` span is kept only if something came of it: a span
    inside it, a message that carries it on, an error. An error that leaves the block marks the span with its
    code or class; its message stays out, because messages may name people.
    """

    __slots__ = ("_attributes", "_kind", "_lazy", "_links", "_name", "_parent", "_span", "_token")

    def __init__(
        self,
        name: str,
        kind: str = "internal",
        attributes: Mapping[str, AttributeValue] | None = None,
        *,
        parent: str = "",
        links: Iterable[str] = (),
        lazy: bool = False,
    ) -> None:
        self._name, self._kind, self._attributes, self._parent, self._links = name, kind, attributes, parent, links
        self._lazy = lazy

    def __enter__(self) -> Span:
        remote = _context_of(self._parent) if self._parent else None
        context = trace.set_span_in_context(NonRecordingSpan(remote)) if remote else None
        if _tracer is None:
            self._span: Span = NonRecordingSpan(remote) if remote else trace.get_current_span()
        else:
            _note_use()
            self._span = _tracer.start_span(
                self._name,
                context,
                _KINDS[self._kind],
                self._attributes,
                [Link(linked) for linked in map(_context_of, self._links) if linked],
                record_exception=False,
                set_status_on_exception=False,
            )
            if self._lazy:
                _unused.add(self._span.get_span_context().span_id)
        self._token = otel_context.attach(trace.set_span_in_context(self._span))
        return self._span

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        otel_context.detach(self._token)
        if _tracer is None and not self._span.is_recording():
            return
        if self._lazy and _is_unused(self._span) and error is None:
            return  # a span that does not end is not exported
        if error is not None:
            self._span.set_attribute("error.type", str(getattr(error, "code", "") or type(error).__name__))
            self._span.set_status(_ERROR)
        self._span.end()


class Publication:
    """A producer span of one message among many that leave at once; made without the SDK's tracer, at a fifth of its cost.

    `traceparent` is what the message carries; `end` hands the span over. `published` makes one.
    """

    __slots__ = ("_attributes", "_began", "_context", "_name", "_parent")

    def __init__(self, name: str, parent: SpanContext, attributes: Mapping[str, AttributeValue]) -> None:
        span_id = random.getrandbits(64) or 1
        self._context = SpanContext(parent.trace_id, span_id, is_remote=False, trace_flags=_SAMPLED)
        self._name, self._parent, self._attributes, self._began = name, parent, attributes, time.time_ns()

    @property
    def traceparent(self) -> str:
        return _written(self._context)

    def end(self, error: str = "") -> None:
        """`error` is a code, "" where the broker took the message."""
        if _processor is None:
            return
        ended = ReadableSpan(
            self._name,
            context=self._context,
            parent=self._parent,
            resource=_resource,
            attributes={**self._attributes, "error.type": error} if error else self._attributes,
            kind=SpanKind.PRODUCER,
            status=_ERROR if error else _UNSET,
            start_time=self._began,
            end_time=time.time_ns(),
        )
        _processor.on_end(ended)


def published(name: str, attributes: Mapping[str, AttributeValue], *, parent: str) -> Publication | None:
    """A span below `parent`, a traceparent; None where there is no trace to add to, or tracing is off."""
    context = _context_of(parent) if _processor is not None else None
    return Publication(name, context, attributes) if context else None


def _note_use() -> None:
    """Whatever span is open now has something to show."""
    if _unused:
        _unused.discard(trace.get_current_span().get_span_context().span_id)


def _is_unused(span: Span) -> bool:
    span_id = span.get_span_context().span_id
    found = span_id in _unused
    _unused.discard(span_id)
    return found


def _context_of(traceparent: str) -> SpanContext | None:
    match = _TRACEPARENT.fullmatch(traceparent)
    return SpanContext(int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=_SAMPLED) if match else None


def current_traceparent() -> str:
    """The current span as it would travel, or ""."""
    _note_use()
    here = trace.get_current_span().get_span_context()
    return _written(here) if here.is_valid else ""


def _written(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def current_trace_id() -> str:
    """32 lower-case hex digits, or "" outside any trace."""
    here = trace.get_current_span().get_span_context()
    return f"{here.trace_id:032x}" if here.is_valid else ""


def trace_id_of(traceparent: str) -> str:
    """The trace id in a traceparent, or "" where it is not one."""
    match = _TRACEPARENT.fullmatch(traceparent)
    return match[1] if match else ""


def inject(headers: MutableMapping[str, Any]) -> None:
    """Puts the current trace into outgoing headers; leaves them alone outside any trace."""
    if here := current_traceparent():
        headers[HEADER] = here


def extract(headers: Mapping[str, Any] | None) -> str:
    """The traceparent in incoming headers, or "" where there is none or it is malformed: that starts a new trace."""
    value = (headers or {}).get(HEADER, "")
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value if isinstance(value, str) and _TRACEPARENT.fullmatch(value) else ""
