"""List the kiosks that this district owns or hosts."""

from __future__ import annotations

from chassis.paging import Page, Wish, page

from terminal_fleet.domain.model import Kiosk
from terminal_fleet.usecases.ports import Work


def list_kiosks(work: Work, wish: Wish) -> Page[Kiosk]:
    """By id, which begins with the owner's code."""
    return page(work.kiosks.list(wish), wish, lambda kiosk: (kiosk.id,))
