"""Whom this district trusts and what it has agreed to: one snapshot, so that a batch is judged by one version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from courier.domain.agreements import Agreement, parties_of
from courier.domain.registry import Freshness, Registry, State
from courier.domain.rules import Routes


@dataclass(frozen=True)
class Trust:
    """Registry and agreements as installed here; no registry means no link at all."""

    home: str
    registry: Registry | None
    agreements: Mapping[tuple[str, str], Sequence[Agreement]] = field(default_factory=dict)
    routes: Routes = field(default_factory=dict)

    def agreed_with(self, peer: str) -> Sequence[Agreement]:
        return self.agreements.get(parties_of(self.home, peer), ())

    def freshness(self, now: datetime) -> Freshness:
        return Freshness.CLOSED if self.registry is None else self.registry.freshness(now)

    def peers(self) -> list[str]:
        """Everybody linked to, suspended ones too."""
        return [] if self.registry is None else [member.code for member in self.registry.peers(self.home)]

    def active(self) -> list[str]:
        """Everybody to whom messages go now."""
        return [] if self.registry is None else [member.code for member in self.registry.active_peers(self.home)]

    def linked(self, peer: str) -> bool:
        return self.registry is not None and self.registry.linked(self.home, peer)

    def suspended(self, peer: str) -> bool:
        return self.registry is not None and self.registry.members[peer].state is State.SUSPENDED
