"""Hear from another district about a kiosk: the host's answer, the owner's report, or a refusal."""

from __future__ import annotations

from terminal_fleet.domain.events import HealthReported, PlacementAnswered
from terminal_fleet.domain.model import Kiosk
from terminal_fleet.domain.policies import must_own, placed, refused, reported
from terminal_fleet.usecases.get_kiosk import kiosk_for_change
from terminal_fleet.usecases.keep_kiosk import keep_kiosk
from terminal_fleet.usecases.ports import Work


def note_placement(work: Work, answer: PlacementAnswered, *, sender: str) -> None:
    """The host has answered this owner. Raises KioskNotFound."""
    kiosk = kiosk_for_change(work, answer.kiosk_id)
    _keep(work, kiosk, placed(kiosk, sender, answer.confirmed, answer.reason))


def note_health(work: Work, report: HealthReported, *, sender: str) -> None:
    """The owner tells this host how the kiosk is. Raises KioskNotFound, NotTheOwner."""
    kiosk = kiosk_for_change(work, report.kiosk_id)
    must_own(kiosk, sender)
    _keep(work, kiosk, reported(kiosk, report.health, report.last_heartbeat_at, report.version))


def note_refusal(work: Work, kiosk_id: str, *, message_id: str, peer: str, code: str) -> None:
    """The other side's courier refused a message about the kiosk. Raises KioskNotFound."""
    kiosk = kiosk_for_change(work, kiosk_id)
    _keep(work, kiosk, refused(kiosk, message_id, peer, code))


def _keep(work: Work, before: Kiosk, after: Kiosk | None) -> None:
    if after is not None:
        keep_kiosk(work, before, after)
