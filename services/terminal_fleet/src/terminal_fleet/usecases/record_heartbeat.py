"""Record that a kiosk lives."""

from __future__ import annotations

from datetime import datetime

from terminal_fleet.domain.policies import beaten
from terminal_fleet.usecases.get_kiosk import kiosk_for_change
from terminal_fleet.usecases.keep_kiosk import keep_kiosk
from terminal_fleet.usecases.ports import Work


def record_heartbeat(
    work: Work, id: str, *, client_id: str, sequence: int, software_version: str, now: datetime
) -> None:
    """A heartbeat of the kiosk's own client; one that is older than the last changes nothing.

    Raises KioskNotFound, NotThisKiosk, InvalidKiosk.
    """
    kiosk = kiosk_for_change(work, id)
    after = beaten(kiosk, client_id=client_id, sequence=sequence, software_version=software_version, now=now)
    if after is not None:
        keep_kiosk(work, kiosk, after)
