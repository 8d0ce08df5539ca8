"""What the terminal fleet tells its own district, and what it tells another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from terminal_fleet.domain.model import Health, Kiosk


@dataclass(frozen=True)
class KioskChanged:
    """A kiosk was registered, placed, or changed its health."""

    kiosk: Kiosk


@dataclass(frozen=True)
class PlacementOffered:
    """Owner to host: may this kiosk stand in your hall?"""

    kiosk: Kiosk


@dataclass(frozen=True)
class PlacementAnswered:
    """Host to owner."""

    kiosk_id: str
    confirmed: bool
    reason: str


@dataclass(frozen=True)
class HealthReported:
    """Owner to host: what the host's hall staff sees of it."""

    kiosk_id: str
    health: Health
    last_heartbeat_at: datetime | None
    version: int


ToDistrict = PlacementOffered | PlacementAnswered | HealthReported
