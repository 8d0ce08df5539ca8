"""Take a refresh token, and say whether another may be given for it."""

from __future__ import annotations

from datetime import datetime

from identity.domain.grants import Grant, Refresh, judge_refresh
from identity.domain.policies import secret_key
from identity.usecases.ports import Work


def rotate_refresh(work: Work, token: str, client_id: str, *, now: datetime) -> Grant | None:
    """The grant as it stands with the next token, held for this transaction; None where this client gets nothing for it.

    A token that comes after its grace ends the grant: the caller commits, whatever it answers.
    """
    found = work.grants.by_refresh(secret_key(token))
    if found is None or found[0].client_id != client_id or found[0].ended_at is not None:
        return None
    grant, generation = found
    judged = judge_refresh(grant, generation, now)
    if judged is Refresh.REUSED:
        work.grants.save(grant.ended(now))
        return None
    return grant.rotated(now) if judged is Refresh.NEXT else grant
