"""Register a kiosk of this district."""

from __future__ import annotations

from dataclasses import replace

from terminal_fleet.domain.errors import HostNotLinked, KeyTaken
from terminal_fleet.domain.events import PlacementOffered
from terminal_fleet.domain.model import Kiosk, Placement
from terminal_fleet.usecases.keep_kiosk import keep_kiosk
from terminal_fleet.usecases.ports import Work


def check_may_register(work: Work, kiosk: Kiosk) -> None:
    """Before anybody is told of it. Raises HostNotLinked, KeyTaken."""
    if kiosk.host != work.district and not work.peers.has(kiosk.host):
        raise HostNotLinked(kiosk.host)
    if kiosk.key_thumbprint and work.kiosks.holder_of(kiosk.key_thumbprint) not in (None, kiosk.id):
        raise KeyTaken


def register_kiosk(work: Work, kiosk: Kiosk) -> Kiosk:
    """Keeps a kiosk whose client is registered at identity already; a foreign host is asked for the place.

    Raises HostNotLinked; KeyTaken, also where another registration by the same key came first meanwhile.
    """
    check_may_register(work, kiosk)
    if kiosk.placement is Placement.OFFERED:
        kiosk = replace(kiosk, offer_id=work.send(PlacementOffered(kiosk), kiosk.host))
    keep_kiosk(work, None, kiosk)
    return kiosk
