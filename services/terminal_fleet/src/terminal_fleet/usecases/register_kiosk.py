"""Register a kiosk of this district."""

from __future__ import annotations

from dataclasses import replace

from terminal_fleet.domain.events import PlacementOffered
from terminal_fleet.domain.model import Kiosk, Placement
from terminal_fleet.usecases.keep_kiosk import keep_kiosk
from terminal_fleet.usecases.ports import Work


def register_kiosk(work: Work, kiosk: Kiosk) -> Kiosk:
    """Keeps a kiosk whose client is registered at identity already; a foreign host is asked for the place."""
    if kiosk.placement is Placement.OFFERED:
        kiosk = replace(kiosk, offer_id=work.send(PlacementOffered(kiosk), kiosk.host))
    keep_kiosk(work, None, kiosk)
    return kiosk
