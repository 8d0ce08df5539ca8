"""Spans as OpenTelemetry's API knows them, made without its SDK (infra/adr/0026) and carried as `traceparent` strings."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable, Mapping, MutableMapping
from types import TracebackType
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags
from opentelemetry.util.types import AttributeValue

from chassis.telemetry.export import BoundedProcessor, HttpSender
from chassis.telemetry.metrics import label_all

HEADER = "traceparent"

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")
_KINDS = {kind.name.lower(): kind for kind in SpanKind}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)

_processor: BoundedProcessor | None = None
#: Ids of the open lazy spans of which nothing has come yet.
_unused: set[int] = set()


def configure(service: str, district: str, otlp_endpoint: str = "") -> None:
    """Says whose spans and metrics these are, and where spans go: the base URL of an OTLP/HTTP collector, or "" for nowhere.

    May be called again; what the earlier processor still held is sent within its time limit.
    """
    global _processor  # noqa: PLW0603 -- one process has one, and every module opens spans
    label_all(service=service, district=district)
    old, _processor = _processor, None
    if old is not None:
        old.shutdown()
    if otlp_endpoint:
        resource = {"service.name": service, "service.namespace": "tongban", "district": district}
        _processor = BoundedProcessor(HttpSender(otlp_endpoint), resource)


def flush(timeout_s: float = 2.0) -> bool:
    """Sends what is queued; False if some of it was still there after `timeout_s` seconds. Never raises."""
    return _processor is None or _processor.force_flush(int(timeout_s * 1000))


class RecordedSpan(NonRecordingSpan):
    """A span that is exported once it has ended, as far as our own spans need one: no events, no sampling, no limits."""

    def __init__(
        self,
        name: str,
        kind: SpanKind,
        parent: SpanContext | None,
        attributes: Mapping[str, AttributeValue] | None = None,
        links: Iterable[SpanContext] = (),
    ) -> None:
        """`parent` None begins a trace."""
        trace_id = parent.trace_id if parent else random.getrandbits(128) or 1
        super().__init__(SpanContext(trace_id, random.getrandbits(64) or 1, is_remote=False, trace_flags=_SAMPLED))
        self.name, self.kind, self.parent, self.links = name, kind, parent, tuple(links)
        self.attributes: dict[str, AttributeValue] = dict(attributes or {})
        self.failed = False
        #: Unix nanoseconds.
        self.began, self.ended = time.time_ns(), 0

    @property
    def traceparent(self) -> str:
        """What a message carries on."""
        return _written(self.get_span_context())

    def is_recording(self) -> bool:
        return not self.ended

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        self.attributes[key] = value

    def end(self, error: str = "") -> None:  # type: ignore[override]  # its moment is always now
        """Hands the span over; `error` is a code or a class, "" where all went well."""
        if error:
            self.failed = True
            self.attributes["error.type"] = error
        self.ended = time.time_ns()
        if _processor is not None:
            _processor.on_end(self)


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
        here = trace.get_current_span()
        remote = _context_of(self._parent) if self._parent else None
        if _processor is None:
            self._span: Span = NonRecordingSpan(remote) if remote else here
        else:
            _note_use()
            inside = here.get_span_context()
            parent = remote or (inside if inside.is_valid else None)
            links = [linked for linked in map(_context_of, self._links) if linked]
            self._span = RecordedSpan(self._name, _KINDS[self._kind], parent, self._attributes, links)
            if self._lazy:
                _unused.add(self._span.get_span_context().span_id)
        self._token = otel_context.attach(trace.set_span_in_context(self._span))
        return self._span

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        otel_context.detach(self._token)
        if not isinstance(self._span, RecordedSpan):
            return
        if self._lazy and _is_unused(self._span) and error is None:
            return  # a span that does not end is not exported
        self._span.end("" if error is None else str(getattr(error, "code", "") or type(error).__name__))


def published(name: str, attributes: Mapping[str, AttributeValue], *, parent: str) -> RecordedSpan | None:
    """The span of one message among many that leave at once, below `parent`, a traceparent; whoever asks ends it.

    None where there is no trace to add to, or tracing is off.
    """
    context = _context_of(parent) if _processor is not None else None
    return RecordedSpan(name, SpanKind.PRODUCER, context, attributes) if context else None


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
