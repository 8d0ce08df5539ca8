"""`@rpc`: what makes a method callable."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

import eventlet
from google.protobuf.message import Message as Proto
from nameko.extensions import Entrypoint, register_entrypoint

from chassis.caller import Call, current_call
from chassis.errors import fault_of, internal
from chassis.rpc.incoming import SERVICE
from chassis.rpc.server import RpcServer
from chassis.telemetry import span

log = logging.getLogger(__name__)


class Rpc(Entrypoint):  # type: ignore[misc]  # nameko has no types
    """One method that can be called; see the package. Use the decorator `rpc`."""

    server = RpcServer()

    def __init__(self, allow: str | tuple[str, ...]) -> None:
        super().__init__()
        self.allow = allow

    def setup(self) -> None:
        self.server.register(self)

    def stop(self) -> None:
        self.server.drain()


def rpc(*, allow: str | tuple[str, ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a method callable by the services that the bus table names, for `allow`: SERVICE or a tuple of roles."""
    if allow != SERVICE and not (isinstance(allow, tuple) and allow and all(isinstance(role, str) for role in allow)):
        raise TypeError("allow is SERVICE or a tuple of at least one role")

    def register(handler: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(handler)
        def serve(service: Any, request: Proto, call: Call) -> Any:
            current_call.set(call)
            name = handler.__name__
            attributes = {
                "rpc.system": "nameko",
                "rpc.service": service.name,
                "rpc.method": name,
                "tongban.caller": call.caller,
            }
            with span(f"serve {service.name}.{name}", kind="server", attributes=attributes, parent=call.traceparent):
                try:
                    return handler(service, request, call)
                except eventlet.Timeout as timeout:  # not an Exception: nameko would let the message hang
                    log.exception("a time limit inside %s ran out", call.method)
                    raise internal() from timeout
                except Exception as error:
                    if fault_of(error) is None:
                        log.exception("a defect in %s", call.method)
                    raise

        register_entrypoint(serve, Rpc(allow))
        return serve

    return register
