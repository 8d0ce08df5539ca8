"""The courier's links as the district itself reports them, asked like any stock client with an operator's assertion."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pika
from chassis.assertion import Actor, sign_assertion
from chassis.clock import SystemClock

from tongban_local.installation import Installation

_TIMEOUT_S = 5


def read_links(place: Installation) -> list[dict[str, Any]] | None:
    """`courier.list_links`, or None when no answer came."""
    try:
        answer = call(place, "courier.list_links", {})
    except (OSError, pika.exceptions.AMQPError, TimeoutError):
        return None
    return (answer.get("result") or {}).get("links", []) if not answer.get("error") else None


def call(
    place: Installation, method: str, request: dict[str, Any], roles: frozenset[str] = frozenset({"operator"})
) -> Any:
    """One RPC over the trial account, as a stock nameko client would make it, for the person who runs this machine."""
    district = place.district
    actor = Actor("local:operator", district.code, roles, "L5", "tongban")
    token = sign_assertion(actor, district.edge_key, clock=SystemClock(), audience=district.code)
    parameters = pika.URLParameters(district.trial_url)
    parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = _TIMEOUT_S
    connection = pika.BlockingConnection(parameters)
    try:
        channel, reply_to = connection.channel(), str(uuid.uuid4())
        queue = channel.queue_declare(f"rpc.reply-standalone_rpc_proxy-{reply_to}", exclusive=True).method.queue
        channel.queue_bind(queue, "nameko-rpc", reply_to)
        properties = pika.BasicProperties(
            reply_to=reply_to,
            correlation_id=str(uuid.uuid4()),
            content_type="application/json",
            headers={"nameko.assertion": token},
        )
        body = json.dumps({"args": [request], "kwargs": {}})
        channel.basic_publish("nameko-rpc", method, body.encode(), properties)
        for _method, _properties, answer in channel.consume(queue, auto_ack=True, inactivity_timeout=_TIMEOUT_S):
            if answer is None:
                raise TimeoutError(f"no answer from {method}")
            return json.loads(answer)
    finally:
        connection.close()
