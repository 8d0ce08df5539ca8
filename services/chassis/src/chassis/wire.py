"""How a call looks on the bus: nameko's RPC wire, with binary protobuf beside JSON and a deadline in the headers.

JSON (any stock nameko client):   body {"args": [request in proto3 JSON], "kwargs": {}}, answer {"result", "error"}
Protobuf (our own processes):     body is the request, answer is the response; an error is always the JSON answer

The content type tells them apart. The error object has nameko's own keys, so that a stock client raises RemoteError
with the code as its type, and ours beside them: code, kind, message, details.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from chassis.errors import Fault, Kind

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
#: Binary protobuf under the district's transit key (chassis.sealed.TransitSeal).
SEALED = "application/vnd.tongban.sealed"

RPC_EXCHANGE = "nameko-rpc"
#: Unix milliseconds after which nobody waits for the answer.
DEADLINE_HEADER = "tongban.deadline"
#: The person acted for, as a token signed by the edge; a stock client sends it as context data `assertion`.
ASSERTION_HEADER = "nameko.assertion"

M = TypeVar("M", bound=Message)


def rpc_queue(service: str) -> str:
    """The queue that nameko gives a service."""
    return f"rpc-{service}"


def undecodable(why: str) -> Fault:
    return Fault(
        "rpc.undecodable",
        Kind.INVALID,
        f"The call could not be read: {why}. Send args=[request in proto3 JSON], kwargs={{}}.",
    )


def decode_request(body: bytes, content_type: str | None, request_type: type[M]) -> M:
    """The request in `body`. Raises Fault `rpc.undecodable`, never anything else."""
    try:
        if content_type == PROTOBUF:
            return request_type.FromString(body)
        call = json.loads(body)
        if not isinstance(call, dict):
            raise undecodable("the body is not an object")
        args, kwargs = call.get("args", []), call.get("kwargs", {})
        if not isinstance(args, list) or len(args) != 1 or kwargs:
            raise undecodable("it takes exactly one positional argument")
        return json_format.ParseDict(args[0], request_type())
    except (DecodeError, json_format.Error, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise undecodable(f"{type(error).__name__}") from error


def encode_reply(reply: Message, content_type: str | None) -> tuple[bytes, str]:
    """The answer to a call that came as `content_type`, and the answer's own content type."""
    if content_type == PROTOBUF:
        return reply.SerializeToString(), PROTOBUF
    return json.dumps({"result": json_format.MessageToDict(reply), "error": None}).encode(), JSON


def encode_fault(fault: Fault) -> bytes:
    """The JSON answer that carries `fault`."""
    error: dict[str, Any] = {
        "exc_type": fault.code,
        "exc_path": "",
        "exc_args": [fault.message],
        "value": fault.message,
        "code": fault.code,
        "kind": fault.kind.value,
        "message": fault.message,
        "details": fault.details,
    }
    return json.dumps({"result": None, "error": error}).encode()


def decode_reply(body: bytes, content_type: str | None, reply_type: type[M]) -> M:
    """The answer in `body`. Raises the Fault that it carries; an unreadable answer is Fault `rpc.bad_answer`."""
    try:
        if content_type == PROTOBUF:
            return reply_type.FromString(body)
        answer = json.loads(body)
        error = answer.get("error")
        if error is None:
            return json_format.ParseDict(answer["result"], reply_type())
        kind = error.get("kind")
        raise Fault(
            str(error.get("code") or "internal"),
            kind if kind in set(Kind) else Kind.INTERNAL,
            str(error.get("message") or error.get("value") or ""),
            error.get("details"),
        )
    except (DecodeError, json_format.Error, ValueError, TypeError, AttributeError, KeyError) as error:
        raise Fault("rpc.bad_answer", Kind.INTERNAL, "The service answered with something unreadable.") from error
