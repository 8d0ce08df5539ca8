"""Traces and metrics: one call each to open a span, to carry a trace over the bus, and to count something.

    with span("handle hotline.on_case_progressed", kind="consumer", parent=extract(headers), links=[earlier]):
        ...
        inject(outgoing_headers)

Traces travel as W3C `traceparent` strings (Trace Context level 1) in plain headers; everywhere in our code a trace is
that string, "" meaning none. Spans leave the process over OTLP/HTTP through a bounded queue (export.py); where no
endpoint is set a span costs next to nothing, and a trace that comes in is passed on unchanged. Names are registered:
spans and their attributes in names.py, metrics in metrics.py. No personal data and no URL goes into either.
"""

from chassis.telemetry.metrics import counter, exposition, gauge, histogram
from chassis.telemetry.names import declare
from chassis.telemetry.tracing import (
    Publication,
    configure,
    current_trace_id,
    current_traceparent,
    extract,
    flush,
    inject,
    published,
    span,
    trace_id_of,
)

__all__ = [
    "Publication",
    "configure",
    "counter",
    "current_trace_id",
    "current_traceparent",
    "declare",
    "exposition",
    "extract",
    "flush",
    "gauge",
    "histogram",
    "inject",
    "published",
    "span",
    "trace_id_of",
]
