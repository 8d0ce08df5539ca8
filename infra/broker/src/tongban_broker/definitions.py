"""bus.yaml → the definitions that a RabbitMQ node loads at start, for the local runtime and the charts alike.

The same input gives the same bytes: passwords are salted from themselves, and every list is sorted. Time-to-live, limits
and dead-lettering are policies; a changed queue argument would be refused for ever.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tongban_broker.bus import OUTBOUND, Bus, retry_name
from tongban_broker.rights import (
    COURIER_VHOST,
    NOTHING,
    VHOST,
    Row,
    courier_rights,
    exactly,
    service_rights,
    trial_rights,
)

#: The account of a stock nameko client; it exists only where it is given a password.
TRIAL = "trial"
#: Sees how deep queues are, which needs no right in RabbitMQ; used by `tongban status`.
MONITOR = "monitor"
_HASHING = "rabbit_password_hashing_sha256"
_MIB = 1024 * 1024
#: Takes events that nobody handles yet: with no queue at all, the relay would take each for one that got lost.
UNHEARD = "unheard"
#: How often a message comes back because its handler's process died before it is parked by the broker itself.
DELIVERY_LIMIT = 50


@dataclass(frozen=True)
class Accounts:
    """The secrets of one district's broker. `services` must name every user of the bus."""

    services: Mapping[str, str] = field(repr=False)
    peers: tuple[str, ...] = ()  # division codes of linked districts
    trial: str | None = field(default=None, repr=False)
    monitor: str | None = field(default=None, repr=False)
    admin: str | None = field(default=None, repr=False)  # tests that harm the broker on purpose


def peer_user(code: str) -> str:
    """The user, and the common name of the client certificate, under which district `code` delivers here."""
    return f"courier.{code}"


def definitions(bus: Bus, accounts: Accounts) -> dict[str, Any]:
    """The whole content of a district's broker. Raises ValueError when a service has no password."""
    missing = sorted(set(bus.users) - set(accounts.services))
    if missing:
        raise ValueError(f"no broker password for {', '.join(missing)}")
    permissions, topics = _rights(bus, accounts)
    exchanges, queues, bindings = _topology(bus)
    return {
        "vhosts": [{"name": VHOST}, {"name": COURIER_VHOST}],
        "users": _users(bus, accounts),
        "permissions": permissions,
        "topic_permissions": topics,
        "exchanges": sorted(exchanges, key=_by_name),
        "queues": sorted(queues, key=_by_name),
        "bindings": sorted(bindings, key=lambda row: (row["source"], row["routing_key"], row["destination"])),
        "policies": sorted(_policies(bus), key=_by_name),
        "parameters": [],
    }


def queue_names(bus: Bus, vhost: str = VHOST) -> list[str]:
    """Every queue that the definitions declare in `vhost`, sorted."""
    return sorted(row["name"] for row in _topology(bus)[1] if row["vhost"] == vhost)


#: What one peer may hold open (infra/adr/0011: the broker counts too many of connections that lived for milliseconds).
PEER_LIMITS = {"max-connections": 32, "max-channels": 64}


def _by_name(row: Row) -> tuple[str, str]:
    return row["vhost"], row["name"]


def hashed(user: str, password: str) -> str:
    """RabbitMQ's salted SHA-256, with a salt that is the same for the same user and password."""
    salt = hmac.digest(password.encode(), user.encode(), "sha256")[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _users(bus: Bus, accounts: Accounts) -> list[Row]:
    people = {service: accounts.services[service] for service in bus.users}
    people |= {TRIAL: accounts.trial} if accounts.trial else {}
    people |= {MONITOR: accounts.monitor} if accounts.monitor else {}
    rows = [_user(name, hashed(name, password)) for name, password in people.items()]
    if accounts.admin:
        rows.append(_user("admin", hashed("admin", accounts.admin)) | {"tags": ["administrator"]})
    rows.append(_user("courier.local", ""))
    rows += [_user(peer_user(code), "") | {"limits": PEER_LIMITS} for code in accounts.peers]
    return sorted(rows, key=lambda row: row["name"])


def _user(name: str, password_hash: str) -> Row:
    return {"name": name, "password_hash": password_hash, "hashing_algorithm": _HASHING, "tags": [], "limits": {}}


def _rights(bus: Bus, accounts: Accounts) -> tuple[list[Row], list[Row]]:
    granted = [service_rights(bus, service, trial=bool(accounts.trial)) for service in bus.users]
    if accounts.trial:
        granted.append(trial_rights(bus, TRIAL))
    permissions = [permission for permission, _ in granted]
    topics = [topic for _, of_user in granted for topic in of_user]
    if accounts.monitor:
        nothing = {"configure": NOTHING, "write": NOTHING, "read": NOTHING}
        permissions += [{"user": MONITOR, "vhost": vhost, **nothing} for vhost in (VHOST, COURIER_VHOST)]
    if accounts.admin:
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        permissions += [{"user": "admin", "vhost": vhost, **everything} for vhost in (VHOST, COURIER_VHOST)]
    permissions += courier_rights(map(peer_user, accounts.peers))
    return (
        sorted(permissions, key=lambda row: (row["vhost"], row["user"])),
        sorted(topics, key=lambda row: (row["user"], row["exchange"])),
    )


def _topology(bus: Bus) -> tuple[list[Row], list[Row], list[Row]]:
    rungs = [retry_name(seconds) for seconds in bus.retry_ladder]
    names = ["nameko-rpc", "courier.outbound", "parking", "marker", *rungs, *(f"{s}.events" for s in bus.events)]
    exchanges = [_exchange(VHOST, name, "topic") for name in names] + [_exchange(COURIER_VHOST, "courier.in", "fanout")]
    queues = [_queue(COURIER_VHOST, "courier.in"), *(_queue(VHOST, name) for name in rungs)]
    bindings = [
        _binding(COURIER_VHOST, "courier.in", "", "courier.in"),
        *(_binding(VHOST, rung, "#", rung) for rung in rungs),
    ]
    bindings.append(_binding(VHOST, "courier.outbound", "#", OUTBOUND))
    bindings += [_binding(VHOST, exchange, key, queue) for exchange, key, queue in bus.deliveries()]
    queues.append(_queue(VHOST, UNHEARD, quorum=False))
    bindings += [_binding(VHOST, exchange, key, UNHEARD) for exchange, key in bus.unheard()]
    for service in bus.servers:
        queues += [_queue(VHOST, f"{kind}{service}", quorum=False) for kind in ("rpc-", "marker.")]
        queues += [_queue(VHOST, name) for name in (f"park.{service}", *bus.event_queues(service))]
        bindings += [
            _binding(VHOST, "nameko-rpc", f"{service}.*", f"rpc-{service}"),
            _binding(VHOST, "parking", service, f"park.{service}"),
            _binding(VHOST, "marker", service, f"marker.{service}"),
        ]
    return exchanges, queues, bindings


def _exchange(vhost: str, name: str, kind: str) -> Row:
    flags = {"durable": True, "auto_delete": False, "internal": False, "arguments": {}}
    return {"name": name, "vhost": vhost, "type": kind, **flags}


def _queue(vhost: str, name: str, *, quorum: bool = True) -> Row:
    arguments = {"x-queue-type": "quorum"} if quorum else {}
    return {"name": name, "vhost": vhost, "durable": True, "auto_delete": False, "arguments": arguments}


def _binding(vhost: str, exchange: str, key: str, queue: str) -> Row:
    row = {"source": exchange, "vhost": vhost, "destination": queue, "destination_type": "queue"}
    return row | {"routing_key": key, "arguments": {}}


def _policies(bus: Bus) -> Iterable[Row]:
    safe = {"dead-letter-strategy": "at-least-once", "overflow": "reject-publish"}
    yield _policy("rpc", r"^rpc-", {"message-ttl": 60_000, "max-length": 20_000, "overflow": "reject-publish"})
    yield _policy("marker", r"^marker\.", {"max-length": 1, "overflow": "drop-head"})
    yield _policy(UNHEARD, exactly([UNHEARD]), {"max-length": 1, "overflow": "drop-head"})
    yield _policy("park", r"^park\.", {"max-length-bytes": 256 * _MIB, "overflow": "reject-publish"})
    for seconds in bus.retry_ladder:
        # Expired, a message goes through the default exchange to the queue its routing key names: the one it came from.
        back = {"message-ttl": seconds * 1000, "dead-letter-exchange": "", "max-length-bytes": 256 * _MIB, **safe}
        yield _policy(retry_name(seconds), exactly([retry_name(seconds)]), back)
    for service in bus.servers:
        park = {"dead-letter-exchange": "parking", "dead-letter-routing-key": service, "delivery-limit": DELIVERY_LIMIT}
        pattern = rf"^evt\.{re.escape(service)}\."
        yield _policy(f"events.{service}", pattern, {**park, "max-length-bytes": 512 * _MIB, **safe})
    full = {"max-length-bytes": 64 * _MIB, "overflow": "reject-publish"}
    yield _policy("courier.in", exactly(["courier.in"]), full) | {"vhost": COURIER_VHOST}


def _policy(name: str, pattern: str, definition: Row) -> Row:
    row = {"vhost": VHOST, "name": name, "pattern": pattern, "apply-to": "queues", "priority": 0}
    return row | {"definition": definition}
