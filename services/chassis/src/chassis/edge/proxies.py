"""Whose request it is that comes through a proxy, for whatever is slowed or counted by address.

A proxy that stands before a web process writes whom it serves into `X-Forwarded-For`, behind what it was told itself. So the list is
read from its end, as far as those who wrote it are trusted; what stands before was written by anybody. Nobody is trusted unless settings
name them: else whoever sends the header would be whom they like.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

Address = IPv4Address | IPv6Address


class Networks(tuple[IPv4Network | IPv6Network, ...]):
    """Networks that addresses may lie in."""

    __slots__ = ()

    @classmethod
    def of(cls, text: str) -> Networks:
        """Those in CIDR notation, separated by commas; none in an empty text. Raises ValueError."""
        return cls(ip_network(part.strip()) for part in text.split(",") if part.strip())

    def have(self, address: Address) -> bool:
        return any(address in network for network in self)


def client_of(peer: str, forwarded: Iterable[str], trusted: Networks) -> str:
    """Who asks: the nearest to us whom no trusted proxy stands for.

    `peer`: who holds the connection; `forwarded`: what stands in each `X-Forwarded-For`, in their order. What is no address ends the
    list: whoever passed it on is the one who asks.
    """
    hops = [part for line in forwarded for part in line.split(",")]
    client = _address(peer)
    while client is not None and hops and trusted.have(client):
        nearer = _address(hops.pop().strip())
        if nearer is None:
            break
        client = nearer
    return str(client) if client is not None else peer


def _address(text: str) -> Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


class BehindProxies:
    """Around an application: `request.client` is who asks, also where a trusted proxy stands between."""

    def __init__(self, app: ASGIApp, trusted: Networks) -> None:
        self._app, self._trusted = app, trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._trusted and scope["type"] == "http" and scope.get("client"):
            told = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
            peer, port = scope["client"]
            scope = {**scope, "client": (client_of(peer, told, self._trusted), port)}
        await self._app(scope, receive, send)
