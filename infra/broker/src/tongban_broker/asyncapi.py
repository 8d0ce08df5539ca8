"""`python -m tongban_broker.asyncapi [--check]`: proto/asyncapi.yaml, every event as AsyncAPI 3.0 from bus.yaml and the contracts.

It describes one district's bus from all sides: who publishes what under which key, who handles it from which queue, and what is
handed to the courier for another district or handed on by it. RPC is not in it: its contract is proto/ alone.
"""

from __future__ import annotations

import sys
from typing import Any

import yaml

from tongban_broker.bus import OUTBOUND, Bus, CourierMessage, event_queue
from tongban_broker.contracts import PROTO, contract, descriptor_of, meaning
from tongban_broker.rights import VHOST

FILE = PROTO / "asyncapi.yaml"

Json = dict[str, Any]

_BINDING = "0.3.0"
_PROTOBUF, _SEALED = "application/x-protobuf", "application/vnd.tongban.sealed"
_HEAD = "# Made by python -m tongban_broker.asyncapi from bus.yaml and proto/: change those.\n"
_ABOUT = """\
The facts that services of one district tell each other, and the messages that they hand to the courier for another district or get
from it. Events are binary protobuf with CloudEvents 1.0 attributes as AMQP headers, kept in quorum queues, delivered at least once
and handled once (by source and id). A message of an aggregate carries its version: handlers are right under any order."""


def document(bus: Bus) -> Json:
    """The whole document."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "tongban: events", "version": "1", "description": _ABOUT},
        "defaultContentType": _PROTOBUF,
        "servers": {
            "broker": {
                "host": "broker:5672",
                "protocol": "amqp",
                "protocolVersion": "0.9.1",
                "pathname": f"/{VHOST}",
                "description": "The district's own RabbitMQ. Each service has its user, which may do what is described here.",
            }
        },
        "channels": _channels(bus),
        "operations": _operations(bus),
        "components": {"messages": _messages(bus), "schemas": _schemas()},
    }


# Channels: an exchange and a routing key each -----------------------------------------------------------------------------


def _channels(bus: Bus) -> Json:
    local = {
        f"{source}.events.{event}": _local_channel(bus, source, event)
        for source, events in bus.events.items()
        for event in events
    }
    offered = {
        f"courier.outbound.{one.source}.{one.name}": _channel(
            "courier.outbound", f"{one.source}.{one.name}", _crossing(one)
        )
        for one in bus.courier
    }
    handed_on = {
        f"courier.events.{one.routing_key}": _channel("courier.events", one.routing_key, _crossing(one))
        for one in bus.courier
    }
    return {**local, **offered, OUTBOUND: _outbound_queue(bus), **handed_on}


def _local_channel(bus: Bus, source: str, event: str) -> Json:
    message = f"tongban.{source}.v1.{event}"
    if f"{source}.{event}" not in bus.addressed:
        return _channel(f"{source}.events", event, message)
    services = sorted(handler.partition(".")[0] for handler in bus.events[source][event])
    concerned = {"description": "The service that it concerns.", "enum": services}
    return {**_channel(f"{source}.events", f"{{service}}.{event}", message), "parameters": {"service": concerned}}


def _channel(exchange: str, key: str, message: str) -> Json:
    where = {"name": exchange, "type": "topic", "durable": True, "autoDelete": False, "vhost": VHOST}
    return {
        "address": key,
        "messages": {message: _reference("components", "messages", message)},
        "bindings": {"amqp": {"is": "routingKey", "exchange": where, "bindingVersion": _BINDING}},
    }


def _outbound_queue(bus: Bus) -> Json:
    names = sorted({_crossing(one) for one in bus.courier})
    queue = {"name": OUTBOUND, "durable": True, "exclusive": False, "autoDelete": False, "vhost": VHOST}
    return {
        "address": OUTBOUND,
        "description": "Where everything on courier.outbound arrives.",
        "messages": {name: _reference("components", "messages", name) for name in names},
        "bindings": {"amqp": {"is": "queue", "queue": queue, "bindingVersion": _BINDING}},
    }


# Operations: who sends, who receives --------------------------------------------------------------------------------------


def _operations(bus: Bus) -> Json:
    found: Json = {}
    for source, events in bus.events.items():
        for event, handlers in events.items():
            channel = f"{source}.events.{event}"
            found[f"{source}.publish.{event}"] = _send(channel, source)
            found |= {handler: _receive(channel, handler, event_queue(handler)) for handler in handlers}
    for one in bus.courier:
        channel = f"courier.events.{one.routing_key}"
        found[f"{one.source}.send.{one.name}"] = _send(f"courier.outbound.{one.source}.{one.name}", one.source)
        found[f"courier.hand_on.{one.name}"] = _send(channel, "courier")
        found[one.handler] = _receive(channel, one.handler, event_queue(one.handler))
    found["courier.outbound"] = _receive(OUTBOUND, "courier.outbound", OUTBOUND)
    return found


def _send(channel: str, service: str) -> Json:
    how = {"userId": service, "deliveryMode": 2, "mandatory": True, "bindingVersion": _BINDING}
    return {
        "action": "send",
        "channel": _reference("channels", channel),
        "tags": [{"name": service}],
        "bindings": {"amqp": how},
    }


def _receive(channel: str, handler: str, queue: str) -> Json:
    return {
        "action": "receive",
        "channel": _reference("channels", channel),
        "tags": [{"name": handler.partition(".")[0]}],
        "bindings": {"amqp": {"ack": True, "bindingVersion": _BINDING}},
        "x-queue": queue,
    }


# Messages and their headers -----------------------------------------------------------------------------------------------


def _messages(bus: Bus) -> Json:
    local = {f"tongban.{source}.v1.{event}" for source, events in bus.events.items() for event in events}
    made = {name: _message(name, _PROTOBUF, "event") for name in sorted(local)}
    for one in sorted(bus.courier, key=_crossing):
        made[_crossing(one)] = {
            **_message(one.type, _SEALED, "crossing"),
            "x-opens-something": one.opens,
            "description": "Inside the district its body is sealed with the district's transit key; sealed is the protobuf below.",
        }
    return made


def _message(name: str, content_type: str, headers: str) -> Json:
    message = descriptor_of(name)
    return {
        "name": name,
        "title": message.name,
        "summary": meaning(message) or message.name,
        "contentType": content_type,
        "headers": _reference("components", "schemas", headers),
        "payload": {"schemaFormat": "application/vnd.google.protobuf;version=3", "schema": contract(message)},
        "bindings": {"amqp": {"messageType": name, "bindingVersion": _BINDING}},
    }


def _crossing(message: CourierMessage) -> str:
    """Its name here; the same type may be a local event too."""
    return f"{message.type}.crossing"


def _schemas() -> Json:
    text = {"type": "string"}
    event = {
        "cloudEvents:specversion": {"const": "1.0"},
        "cloudEvents:id": {**text, "format": "uuid", "description": "One event's; a repeat has the same."},
        "cloudEvents:source": {**text, "description": "The service that says it; `courier` for what a peer said."},
        "cloudEvents:type": {**text, "description": "Full name of the message."},
        "cloudEvents:subject": {**text, "description": "What it is about, such as case/<number>."},
        "cloudEvents:time": {**text, "format": "date-time"},
        "cloudEvents:datacontenttype": text,
        "tongban.version": {"type": "integer", "description": "Of the aggregate; absent where there is none."},
        "traceparent": {**text, "description": "W3C Trace Context; absent outside a trace."},
    }
    crossing = {
        "tongban.target": {**text, "description": "To a district: its division code, or * for every linked one."},
        "tongban.subject_seq": {"type": "integer", "description": "Counts the sender's messages about this subject to this target."},
        "tongban.opens": {**text, "description": "What it opens, so that the agreement in force is asked."},
        "tongban.answers_to": {**text, "description": "Id of the message that it answers."},
        "tongban.valid_until": {**text, "format": "date-time"},
        "tongban.district": {**text, "description": "From a district: the sender's division code."},
    }  # fmt: skip
    always = [name for name in event if name.startswith("cloudEvents:")]
    base = {"type": "object", "required": always, "properties": event}
    more = {"type": "object", "properties": crossing}
    return {"event": base, "crossing": {"allOf": [_reference("components", "schemas", "event"), more]}}


def _reference(*path: str) -> Json:
    return {"$ref": "#/" + "/".join(path)}


# Writing ------------------------------------------------------------------------------------------------------------------


class _Dumper(yaml.SafeDumper):
    """Text of several lines as a block; nothing by alias, because readers of AsyncAPI want it plain."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def written(bus: Bus) -> str:
    """The document as the file holds it."""
    made = yaml.dump(document(bus), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return _HEAD + str(made)


def main(argv: list[str]) -> int:
    fresh = written(Bus.load())
    if argv != ["--check"]:
        FILE.write_text(fresh)
        return 0
    if FILE.exists() and FILE.read_text() == fresh:
        return 0
    print("proto/asyncapi.yaml differs from bus.yaml and proto/: python -m tongban_broker.asyncapi", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
