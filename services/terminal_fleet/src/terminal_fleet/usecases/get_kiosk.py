"""Look at one kiosk."""

from __future__ import annotations

from terminal_fleet.domain.errors import KioskNotFound
from terminal_fleet.domain.model import Kiosk
from terminal_fleet.usecases.ports import Work


def get_kiosk(work: Work, id: str) -> Kiosk:
    """A kiosk that this district owns or hosts. Raises KioskNotFound."""
    kiosk = work.kiosks.get(id)
    if kiosk is None:
        raise KioskNotFound
    return kiosk


def kiosk_for_change(work: Work, id: str) -> Kiosk:
    """The same, kept from others until the transaction ends. Raises KioskNotFound."""
    kiosk = work.kiosks.get_for_change(id)
    if kiosk is None:
        raise KioskNotFound
    return kiosk
