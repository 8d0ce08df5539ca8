"""The terminal fleet's transaction in memory; it passes the same suite as the one on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chassis.paging import Wish
from terminal_fleet.domain.errors import KeyTaken
from terminal_fleet.domain.events import KioskChanged, ToDistrict
from terminal_fleet.domain.model import Health, Kiosk


@dataclass
class FakeKiosks:
    kept: dict[str, Kiosk] = field(default_factory=dict)

    def get(self, id: str) -> Kiosk | None:
        return self.kept.get(id)

    get_for_change = get

    def holder_of(self, key_thumbprint: str) -> str | None:
        return next((each.id for each in self.kept.values() if each.key_thumbprint == key_thumbprint), None)

    def save(self, kiosk: Kiosk) -> None:
        if kiosk.key_thumbprint and self.holder_of(kiosk.key_thumbprint) not in (None, kiosk.id):
            raise KeyTaken
        self.kept[kiosk.id] = kiosk

    def list(self, wish: Wish) -> Sequence[Kiosk]:
        later = [each for each in self.kept.values() if wish.after is None or each.id > wish.after[0]]
        return sorted(later, key=lambda each: each.id)[: wish.size + 1]

    def online_before(self, moment: datetime, limit: int) -> Sequence[Kiosk]:
        found = [
            (each.last_heartbeat_at, each.id)
            for each in self.kept.values()
            if each.health is Health.ONLINE and not each.is_copy and each.last_heartbeat_at < moment
        ]
        return [self.kept[id] for _, id in sorted(found)[:limit]]


@dataclass
class FakePeers:
    codes: set[str] = field(default_factory=set)

    def add(self, code: str) -> None:
        self.codes.add(code)

    def has(self, code: str) -> bool:
        return code in self.codes


@dataclass
class FakeWork:
    district: str
    kiosks: FakeKiosks = field(default_factory=FakeKiosks)
    peers: FakePeers = field(default_factory=FakePeers)
    recorded: list[KioskChanged] = field(default_factory=list)
    sent: list[tuple[str, ToDistrict]] = field(default_factory=list)

    def record(self, event: KioskChanged) -> None:
        self.recorded.append(event)

    def send(self, message: ToDistrict, target: str) -> str:
        self.sent.append((target, message))
        return f"{self.district}/{len(self.sent)}"
