"""The queue of relying parties that are to be told that a session ended, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from identity.adapters.tables import foreign_sessions, grants, logouts
from identity.domain.logouts import Logout


class Logouts:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def queue(self, sids: Iterable[str], now: datetime) -> int:
        wanted = list(sids)
        if not wanted:
            return 0
        parties = (
            select(grants.c.client_id, grants.c.sid, grants.c.subject, literal(now), literal(now), literal(0))
            .where(grants.c.sid.in_(wanted), grants.c.redeemed_at.is_not(None))
            .distinct()
        )
        # The home of a person of another district: its own session is to end too, and is named by the sid that it has there.
        stands_on = foreign_sessions.c
        homes = select(
            stands_on.home, stands_on.home_sid, stands_on.subject, literal(now), literal(now), literal(0)
        ).where(stands_on.sid.in_(wanted))
        columns = ("client_id", "sid", "subject", "ended_at", "next_try_at", "tries")
        both = parties.union_all(homes)
        return self._connection.execute(insert(logouts).from_select(columns, both).on_conflict_do_nothing()).rowcount

    def waiting(self, now: datetime) -> list[str]:
        query = select(logouts.c.client_id).where(logouts.c.told_at.is_(None), logouts.c.next_try_at <= now).distinct()
        return list(self._connection.execute(query.order_by(logouts.c.client_id)).scalars())

    def claim(self, client_id: str, now: datetime, until: datetime, most: int) -> list[Logout]:
        key = tuple_(logouts.c.client_id, logouts.c.sid)
        due = (
            select(logouts.c.client_id, logouts.c.sid)
            .where(logouts.c.told_at.is_(None), logouts.c.next_try_at <= now, logouts.c.client_id == client_id)
            .order_by(logouts.c.next_try_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        change = update(logouts).where(key.in_(due)).values(next_try_at=until, tries=logouts.c.tries + 1)
        taken = self._connection.execute(change.returning(logouts))
        found = [Logout(row.client_id, row.sid, row.subject, row.ended_at, row.tries) for row in taken]
        return sorted(found, key=lambda logout: logout.ended_at)

    def told(self, logout: Logout, now: datetime) -> None:
        self._change(logout, told_at=now)

    def again(self, logout: Logout, at: datetime) -> None:
        self._change(logout, next_try_at=at)

    def forget(self, before: datetime) -> int:
        gone = delete(logouts).where(logouts.c.ended_at < before).returning(logouts.c.told_at)
        return sum(told_at is None for told_at in self._connection.execute(gone).scalars())

    def untold(self) -> int:
        query = select(func.count()).select_from(logouts).where(logouts.c.told_at.is_(None))
        return int(self._connection.execute(query).scalar_one())

    def oldest(self) -> dict[str, datetime]:
        query = select(logouts.c.client_id, func.min(logouts.c.ended_at).label("ended_at"))
        waiting = query.where(logouts.c.told_at.is_(None)).group_by(logouts.c.client_id)
        return {row.client_id: row.ended_at for row in self._connection.execute(waiting)}

    def _change(self, logout: Logout, **values: Any) -> None:
        one = (logouts.c.client_id == logout.client_id, logouts.c.sid == logout.sid, logouts.c.told_at.is_(None))
        self._connection.execute(update(logouts).where(*one).values(**values))
