"""End sessions that stand on one at another district, and our own that another district's sign-out ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from identity.domain.federation import LogoutNotice
from identity.usecases.end_session import end_by_sid
from identity.usecases.ports import Work


def end_foreign_session(work: Work, sid: str, why: str, *, now: datetime) -> None:
    """Ends it here and at its parties; the home is not told, for it said so itself or cannot be asked."""
    stands_on = work.foreign_sessions.get(sid)
    if stands_on is not None:
        work.foreign_sessions.drop(sid)
        work.federation_log.note("ended", stands_on, why, now)
    end_by_sid(work, sid, now=now)


def hear_of_logout(work: Work, peer: str, notice: LogoutNotice, *, now: datetime) -> int:
    """What a peer's logout token ends here; how many sessions. One that comes again ends nothing more.

    The peer is either the home that a session here stands on, or a party of a session of ours: it may end no other.
    """
    if not work.clients.use_assertion(f"logout of {peer}", notice.jti, notice.expires_at):
        return 0
    abroad = work.foreign_sessions.of_home(peer, notice.sid)
    for sid in abroad:
        end_foreign_session(work, sid, "home", now=now)
    if peer in work.grants.parties([notice.sid]).get(notice.sid, ()):
        end_by_sid(work, notice.sid, now=now)
        return len(abroad) + 1
    return len(abroad)


def end_sessions_of_others(work: Work, peers: Iterable[str], *, now: datetime) -> int:
    """Ends every session of people whose home is none of `peers`: suspended, unlinked, or gone from the registry."""
    found = work.foreign_sessions.elsewhere_than(set(peers))
    for sid in found:
        end_foreign_session(work, sid, "not_a_peer", now=now)
    return len(found)
