"""OTLP in and Tempo's trace-by-id answer out (opentelemetry-proto 1.x; grafana/tempo issues 3802 and 5437).

Tempo's answer is OTLP in proto3 JSON with two habits of its own: the top key is `batches`, and ids are base64 where OTLP
JSON says hex. What stands here writes like Tempo; `tree.py` reads either.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span


class MalformedError(Exception):
    """What came in is not an OTLP trace request."""


class TooLargeError(Exception):
    """What came in unpacks to more than is taken."""


@dataclass(frozen=True)
class StoredSpan:
    """One span and the resource it came from, both as they arrived."""

    trace_id: bytes
    span_id: bytes
    resource: bytes
    span: bytes


def unzip(body: bytes, most: int) -> bytes:
    """gzip's content, at most `most` octets of it. Raises MalformedError or TooLargeError."""
    unpack = zlib.decompressobj(wbits=31)
    try:
        content = unpack.decompress(body, most + 1)
    except zlib.error as error:
        raise MalformedError("not gzip") from error
    if len(content) > most:
        raise TooLargeError
    if not unpack.eof:
        raise MalformedError("gzip ends too early")
    return content


def spans_in(body: bytes) -> Iterator[StoredSpan]:
    """The spans of one ExportTraceServiceRequest; those without proper ids are left out. Raises MalformedError."""
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise MalformedError("not an ExportTraceServiceRequest") from error
    for resource_spans in request.resource_spans:
        resource = resource_spans.resource.SerializeToString(deterministic=True)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                if len(span.trace_id) == 16 and len(span.span_id) == 8:
                    yield StoredSpan(span.trace_id, span.span_id, resource, span.SerializeToString())


def tempo_answer(stored: Iterable[StoredSpan]) -> dict[str, Any]:
    """What GET /api/traces/<id> answers: the spans grouped by resource."""
    by_resource: dict[bytes, list[Span]] = {}
    for row in stored:
        by_resource.setdefault(row.resource, []).append(Span.FromString(row.span))
    return {
        "batches": [
            json_format.MessageToDict(
                ResourceSpans(resource=Resource.FromString(resource), scope_spans=[ScopeSpans(spans=spans)])
            )
            for resource, spans in by_resource.items()
        ]
    }
