"""Remember with whom this district has an agreement, so that no kiosk is registered for a hall where it cannot stand."""

from __future__ import annotations

from terminal_fleet.usecases.ports import Work


def note_agreement(work: Work, peer: str) -> None:
    """An agreement with `peer` was installed. What it allows, and since when, its courier asks at every offer."""
    work.peers.add(peer)
