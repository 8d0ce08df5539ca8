"""The registry of span names and attributes. What is not in it does not leave the process.

A span name is a verb from `VERBS`, a space, and something of low cardinality (a method, an event type, a route), never
a number or a person. Attribute names follow OpenTelemetry's semantic conventions where those have one. A service adds
its own with `declare` at import.
"""

from __future__ import annotations

from collections.abc import Mapping

#: First word of a span's name: what is being done.
VERBS: dict[str, str] = {
    "call": "An RPC, seen by the caller: call <service>.<method>",
    "serve": "An RPC, seen by the service: serve <service>.<method>",
    "publish": "A message given to the broker and confirmed: publish <service>.<MessageName>",
    "handle": "A message handled in its transaction: handle <service>.<handler>",
    "answer": "An HTTP request: answer <METHOD> <route>",
    "work": "A burst of work on one thing, linked to those before it: work <service>.<thing>",
    "run": "Timed work: run <service>.<timer>",
    "send": "Something leaves this district: send <what>",
    "take": "Something arrives from another district: take <what>",
}

#: Attribute name → what its values are.
ATTRIBUTES: dict[str, str] = {
    "rpc.system": "nameko",
    "rpc.service": "the service called",
    "rpc.method": "the method called",
    "messaging.system": "rabbitmq",
    "messaging.operation.type": "publish, receive, process or settle",
    "messaging.destination.name": "exchange or queue, as in the bus table",
    "messaging.message.id": "the event's id",
    "messaging.batch.message_count": "messages in one batch",
    "http.request.method": "GET, POST …",
    "http.route": "the route's template, never the path",
    "http.response.status_code": "the answer's status",
    "error.type": "code of the fault, or class of the defect; never its message",
    "tongban.caller": "broker user that called",
    "tongban.outcome": "ok, duplicate, retried, parked, dropped, or the kind of the fault",
    "tongban.event.type": "full name of the message",
    "tongban.handler": "service.method that handled it",
    "tongban.attempt": "which try this is, from 1",
    "tongban.peer": "division code of the other district",
    "tongban.case_number": "number of the case",
}


def declare(*, verbs: Mapping[str, str] | None = None, attributes: Mapping[str, str] | None = None) -> None:
    """Adds a service's own names to the registry; one that exists with another meaning is refused."""
    for table, added in ((VERBS, verbs or {}), (ATTRIBUTES, attributes or {})):
        for name, meaning in added.items():
            if table.setdefault(name, meaning) != meaning:
                raise ValueError(f"the telemetry name {name!r} already means {table[name]!r}")
