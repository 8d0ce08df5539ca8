"""What the terminal fleet asks of identity."""

from __future__ import annotations

from chassis.caller import RpcCaller

from terminal_fleet import messages


class Identity:
    """The identity service of this district."""

    def __init__(self, caller: RpcCaller) -> None:
        self._caller = caller

    def register_kiosk_client(self, client_id: str, public_jwk: str) -> None:
        """Registers the client under which a kiosk signs in; the same again changes nothing. Raises Fault."""
        request = messages.RegisterClientRequest(client_id=client_id, public_jwk=public_jwk, roles=[messages.KIOSK])
        self._caller.call("identity", "register_client", request, messages.Client)
