"""Find kiosks that have fallen silent."""

from __future__ import annotations

from datetime import datetime

from terminal_fleet.domain.policies import fallen_silent, silent_since
from terminal_fleet.usecases.keep_kiosk import keep_kiosk
from terminal_fleet.usecases.ports import Work

BATCH = 100


def check_silence(work: Work, *, now: datetime, silent_after_s: float) -> bool:
    """Marks up to `BATCH` kiosks as silent; whether there may be more."""
    before = silent_since(now, silent_after_s)
    found = work.kiosks.online_before(before, BATCH)
    for kiosk in found:
        if (silent := fallen_silent(kiosk, before)) is not None:
            keep_kiosk(work, kiosk, silent)
    return len(found) == BATCH
