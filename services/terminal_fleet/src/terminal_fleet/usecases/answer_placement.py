"""Answer another district that wants to place a kiosk here."""

from __future__ import annotations

from terminal_fleet.domain.errors import InvalidKiosk
from terminal_fleet.domain.events import PlacementAnswered
from terminal_fleet.domain.model import Kiosk
from terminal_fleet.domain.policies import check_kiosk, hosted, must_own, placement_refused
from terminal_fleet.usecases.keep_kiosk import keep_kiosk
from terminal_fleet.usecases.ports import Work


def answer_placement(work: Work, offered: Kiosk, *, sender: str) -> None:
    """Hosts the kiosk, or says why not. Whether districts host for each other at all, the agreement has said before.

    An offer that comes again is answered as before. Raises NotTheOwner.
    """
    must_own(offered, sender)
    kept = work.kiosks.get_for_change(offered.id)
    reason = _rule_broken(offered) or placement_refused(kept, offered, work.district)
    if not reason and kept is None:
        keep_kiosk(work, None, hosted(offered, work.district))
    work.send(PlacementAnswered(offered.id, not reason, reason), sender)


def _rule_broken(offered: Kiosk) -> str:
    try:
        check_kiosk(offered)
    except InvalidKiosk as error:
        return str(error)
    return ""
