"""What operators see of the links: their state, their numbers, their lights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from courier.domain.lights import Facts, Limits, healthy, lights
from courier.domain.registry import Freshness
from courier.domain.trust import Trust
from courier.usecases.ports import Connection, LinkRow, LinkState, LinkView


class LinkReader(Protocol):
    """Reads the books about links."""

    def link_rows(self, unanswered_before: datetime) -> Iterable[LinkRow]: ...


def list_links(
    work: LinkReader, trust: Trust, limits: Limits, now: datetime, connections: Mapping[str, Connection]
) -> list[LinkView]:
    """Every link by peer code; `connections` as the senders to the peers know them."""
    rows = work.link_rows(now - limits.no_answer)
    return [_view(row, connections.get(row.peer, Connection()), trust, limits, now) for row in rows]


def _view(row: LinkRow, connection: Connection, trust: Trust, limits: Limits, now: datetime) -> LinkView:
    linked = trust.linked(row.peer)
    facts = Facts(
        suspended=linked and trust.suspended(row.peer),
        freshness=trust.freshness(now),
        linked_since=row.linked_since if linked else None,
        last_echo=row.last_echo,
        clock_difference=timedelta(milliseconds=row.clock_difference_ms),
        oldest_waiting=row.oldest_waiting,
        oldest_gap=row.oldest_gap,
        oldest_unanswered=row.oldest_unanswered,
        oldest_early=row.oldest_early,
        last_agreement_missing=row.last_agreement_missing,
        last_conflict=row.last_conflict,
        last_quarantine=row.last_quarantine,
        last_restore=row.last_restore,
        last_receipt_differing=row.last_receipt_differing,
        last_log_differing=row.last_log_differing,
    )
    return LinkView(
        peer=row.peer,
        state=_state(facts, connection, limits, now),
        last_echo=row.last_echo,
        round_trip_ms=row.round_trip_ms,
        clock_difference_ms=row.clock_difference_ms,
        waiting=row.waiting,
        oldest_waiting_s=max(0.0, (now - row.oldest_waiting).total_seconds()) if row.oldest_waiting else 0.0,
        sent=row.sent,
        receipted=row.receipted,
        received=row.received,
        refused_by_peer=row.refused_by_peer,
        refused_here=row.refused_here,
        registry_version=trust.registry.version if trust.registry else 0,
        lights=tuple(light.value for light in lights(facts, limits, now)),
        connected=connection.connected,
        no_connection_since=connection.since,
    )


def _state(facts: Facts, connection: Connection, limits: Limits, now: datetime) -> LinkState:
    if facts.suspended:
        return LinkState.SUSPENDED
    if facts.linked_since is None or facts.freshness is Freshness.CLOSED:
        return LinkState.CLOSED
    if facts.last_echo is None:
        return LinkState.NEW
    return LinkState.UP if healthy(facts.last_echo, connection.since, limits, now) else LinkState.DOWN
