"""The server side of a call: `@rpc(allow=...)` on a method of a service class.

    class CatalogueService:
        name, contract = "catalogue", messages.CONTRACT

        @rpc(allow=("citizen", "clerk"))          # the person acted for holds at least one of these roles
        def find_items(self, request, call): ...  # a protobuf request in, a protobuf response out

        @rpc(allow=SERVICE)                       # a service's own call; nobody need be acted for
        def get_item(self, request, call): ...

What is not allowed is refused. Everything that comes in is answered or, where nobody can be answered, counted, and then
acked; only then, so that a call whose process died is run by another (callers repeat, handlers are idempotent). Nothing
that a peer sends ends the process or comes back for ever. On the queue the wire is nameko's own (chassis.wire).
"""

from chassis.caller import Call
from chassis.rpc.entrypoint import Rpc, rpc
from chassis.rpc.incoming import SERVICE
from chassis.rpc.server import RpcServer

__all__ = ["SERVICE", "Call", "Rpc", "RpcServer", "rpc"]
