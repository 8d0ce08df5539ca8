"""What AsyncAPI 3.0.0 says of the objects that our document has, as JSON Schema: required fields, and no field that it lacks.

Source: the specification's sections named beside each; `x-` fields are its extensions. The AMQP bindings are version 0.3.0's.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def of(required: tuple[str, ...] = (), **fields: Schema) -> Schema:
    """An object with these fields, extensions, and nothing else."""
    names = {("$ref" if name == "ref" else name): schema for name, schema in fields.items()}
    return {
        "type": "object",
        "required": list(required),
        "properties": names,
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
    }


def every(schema: Schema) -> Schema:
    """A map whose keys the document chooses."""
    return {"type": "object", "minProperties": 1, "additionalProperties": schema}


TEXT: Schema = {"type": "string", "minLength": 1}
YES_OR_NO: Schema = {"type": "boolean"}
REFERENCE = of(("$ref",), ref={"type": "string", "pattern": "^#/"})

#: "Info Object", "Server Object".
INFO = of(("title", "version"), title=TEXT, version=TEXT, description=TEXT)
SERVER = of(("host", "protocol"), host=TEXT, protocol=TEXT, protocolVersion=TEXT, pathname=TEXT, description=TEXT)

#: AMQP bindings 0.3.0: channel, operation, message.
_EXCHANGE = of(
    ("name", "type"),
    name={"type": "string", "maxLength": 255},
    type={"enum": ["topic", "direct", "fanout", "default", "headers"]},
    durable=YES_OR_NO,
    autoDelete=YES_OR_NO,
    vhost=TEXT,
)
_QUEUE = of(
    ("name",), name={"type": "string", "maxLength": 255}, durable=YES_OR_NO, exclusive=YES_OR_NO,
    autoDelete=YES_OR_NO, vhost=TEXT,
)  # fmt: skip
_VERSION: Schema = {"const": "0.3.0"}
CHANNEL_BINDING = of(
    ("is",), **{"is": {"enum": ["queue", "routingKey"]}}, exchange=_EXCHANGE, queue=_QUEUE, bindingVersion=_VERSION
)
OPERATION_BINDING = of(
    expiration={"type": "integer", "minimum": 0}, userId=TEXT, cc={"type": "array"}, priority={"type": "integer"},
    deliveryMode={"enum": [1, 2]}, mandatory=YES_OR_NO, bcc={"type": "array"}, timestamp=YES_OR_NO, ack=YES_OR_NO,
    bindingVersion=_VERSION,
)  # fmt: skip
MESSAGE_BINDING = of(contentEncoding=TEXT, messageType=TEXT, bindingVersion=_VERSION)

#: "Channel Object", "Operation Object", "Message Object", "Multi Format Schema Object".
CHANNEL = of(
    address={"type": ["string", "null"]},
    messages=every(REFERENCE),
    description=TEXT,
    parameters=every(of(description=TEXT, enum={"type": "array", "items": TEXT}, examples={"type": "array"})),
    bindings=of(amqp=CHANNEL_BINDING),
)
OPERATION = of(
    ("action", "channel"),
    action={"enum": ["send", "receive"]},
    channel=REFERENCE,
    summary=TEXT,
    description=TEXT,
    tags={"type": "array", "items": of(("name",), name=TEXT, description=TEXT)},
    messages={"type": "array", "items": REFERENCE},
    bindings=of(amqp=OPERATION_BINDING),
)
MESSAGE = of(
    name=TEXT, title=TEXT, summary=TEXT, description=TEXT, contentType=TEXT, headers=REFERENCE,
    payload=of(("schemaFormat", "schema"), schemaFormat=TEXT, schema=TEXT),
    bindings=of(amqp=MESSAGE_BINDING),
)  # fmt: skip

#: "AsyncAPI Object".
DOCUMENT = of(
    ("asyncapi", "info"),
    asyncapi={"const": "3.0.0"},
    info=INFO,
    defaultContentType=TEXT,
    servers=every(SERVER),
    channels=every(CHANNEL),
    operations=every(OPERATION),
    components=of(messages=every(MESSAGE), schemas=every({"type": "object"})),
)
