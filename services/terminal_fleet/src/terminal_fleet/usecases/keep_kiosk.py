"""Keep a changed kiosk, and tell whoever has to know."""

from __future__ import annotations

from terminal_fleet.domain.events import HealthReported, KioskChanged
from terminal_fleet.domain.model import Kiosk
from terminal_fleet.domain.policies import is_worth_reporting
from terminal_fleet.usecases.ports import Work


def keep_kiosk(work: Work, before: Kiosk | None, after: Kiosk) -> None:
    """Saves `after`; a plain heartbeat tells nobody, a change this district, a change of health also the host."""
    work.kiosks.save(after)
    if before is None or after.version != before.version:
        work.record(KioskChanged(after))
    if is_worth_reporting(before, after):
        work.send(HealthReported(after.id, after.health, after.last_heartbeat_at, after.version), after.host)
