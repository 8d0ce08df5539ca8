"""How the notices of one case or ticket went out, for operators."""

from __future__ import annotations

from chassis.paging import Page, Wish, page

from notification.domain.model import Delivery
from notification.usecases.ports import Work


def list_deliveries(work: Work, about: str, wish: Wish) -> Page[Delivery]:
    """Deliveries about the case or ticket of this number, oldest first."""
    rows = work.deliveries.list_about(about, wish) if about.isprintable() else ()
    return page(rows, wish, lambda delivery: (delivery.id,))
