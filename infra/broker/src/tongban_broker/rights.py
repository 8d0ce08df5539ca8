"""What each service may do on the bus, as RabbitMQ sees it: exactly what bus.yaml names, and nothing by default.

A permission is three patterns on names of exchanges and queues (configure, write, read). On a topic exchange a second
pair limits the routing keys that may be published (write) and bound (read); without it every key is allowed, so every
topic exchange that a user may name has one. See RabbitMQ's "Access Control", section "Topic Authorisation".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tongban_broker.bus import Bus, retry_name

VHOST = "district"
COURIER_VHOST = "courier"
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
NOTHING = "^$"

Row = dict[str, Any]


def any_of(patterns: Iterable[str]) -> str:
    """One pattern that matches just these, whole."""
    wanted = sorted(patterns)
    return f"^({'|'.join(wanted)})$" if wanted else NOTHING


def exactly(names: Iterable[str]) -> str:
    return any_of(re.escape(name) for name in names)


def _reply_queue(service: str) -> str:
    return rf"rpc\.reply-{service}-{UUID}"


def _reply_key(service: str) -> str:
    return rf"reply\.{service}\.{UUID}"


def service_rights(bus: Bus, service: str, *, trial: bool) -> tuple[Row, list[Row]]:
    """The permission of one service and its topic permissions."""
    calls = bus.calls.get(service, ())
    serves = service in bus.servers
    configure = {_reply_queue(service)} if calls else set()
    write = {re.escape("nameko-rpc")} | configure
    read = set(configure)
    if calls:
        read.add(re.escape("nameko-rpc"))
    answers = {_reply_key(caller) for caller in bus.callers_of(service)}
    if trial and serves:
        answers.add(UUID)
    topics = [_topic(service, "nameko-rpc", {*map(re.escape, calls), *answers}, {_reply_key(service)} if calls else ())]
    if serves:
        queues = bus.event_queues(service)
        own = {re.escape(queue) for queue in queues}
        rungs = [retry_name(seconds) for seconds in bus.retry_ladder]
        events = bus.event_keys(service)
        write |= {re.escape(name) for name in (*rungs, "parking", "marker")}
        read |= own | {re.escape(name) for name in (f"rpc-{service}", f"marker.{service}", f"park.{service}")}
        if events:
            write.add(re.escape(f"{service}.events"))
            topics.append(_topic(service, f"{service}.events", map(re.escape, events)))
        topics += [_topic(service, rung, own) for rung in rungs]
        topics += [_topic(service, name, {re.escape(service)}) for name in ("parking", "marker")]
    if sends := bus.sends(service):
        write.add(re.escape("courier.outbound"))
        topics.append(_topic(service, "courier.outbound", map(re.escape, sends)))
    permission = {"configure": any_of(configure), "write": any_of(write), "read": any_of(read)}
    return {"user": service, "vhost": VHOST, **permission}, topics


def _topic(user: str, exchange: str, write: Iterable[str], read: Iterable[str] = ()) -> Row:
    return {"user": user, "vhost": VHOST, "exchange": exchange, "write": any_of(write), "read": any_of(read)}


def trial_rights(bus: Bus, user: str) -> tuple[Row, list[Row]]:
    """A stock nameko client: every method, its own answer queues. It insists on declaring the exchange itself."""
    names = any_of({_reply_queue("standalone_rpc_proxy"), re.escape("nameko-rpc")})
    permission = {"user": user, "vhost": VHOST, "configure": names, "write": names, "read": names}
    return permission, [_topic(user, "nameko-rpc", map(re.escape, bus.methods), {UUID})]


def courier_rights(peers: Iterable[str]) -> Iterator[Row]:
    """Vhost `courier`: a peer may write to one exchange and nothing else; only our own reader reads."""
    row = {"vhost": COURIER_VHOST, "configure": NOTHING}
    arrived = exactly(["courier.in"])
    for peer in peers:
        yield {**row, "user": peer, "write": arrived, "read": NOTHING}
    yield {**row, "user": "courier.local", "write": NOTHING, "read": arrived}
