"""Keep the registry of districts that the courier installed, so that no sign-in waits for an answer of the courier."""

from __future__ import annotations

from datetime import datetime

from identity.domain.registry import Registry, may_replace
from identity.usecases.end_foreign_session import end_sessions_of_others
from identity.usecases.ports import Work


def keep_registry(work: Work, here: str, offered: Registry, text: str, *, now: datetime) -> bool:
    """False where this version or a higher one is kept already. Raises RegistryDiffers.

    Sessions of people whose home is no open peer any more end in the same transaction.
    """
    if not may_replace(work.registry.newest(), offered.version, text):
        return False
    work.registry.keep(offered.version, text, now)
    end_sessions_of_others(work, [peer.code for peer in offered.peers(here, now)], now=now)
    return True
