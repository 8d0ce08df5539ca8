"""Sessions in the database. Person and tokens are sealed to their row."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta

import sqlalchemy as sa
from chassis.sealed import FieldCipher
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from portal.adapters.tables import ended_sids, sessions
from portal.model import CLAIM_LIFETIME, Person, Session, Tokens

#: An ended session of identity is remembered until nothing of it can arrive any more.
KEEP_ENDED = timedelta(days=1)


class Storage:
    """The sessions, inside one transaction."""

    def __init__(self, connection: Connection, cipher: FieldCipher) -> None:
        self._connection, self._cipher = connection, cipher

    def begin(self, session: Session) -> bool:
        """Keeps a new session; False where identity has ended it already."""
        gone = sa.select(ended_sids.c.sid).where(ended_sids.c.sid == session.sid)
        self._lock_sid(session.sid)
        if session.sid and self._connection.execute(gone).first():
            return False
        self._connection.execute(
            sessions.insert().values(
                key=session.key,
                sid=session.sid,
                subject=session.person.subject,
                sealed=self._seal(session.key, session.person, session.tokens),
                token_expires_at=session.tokens.expires_at,
                expires_at=session.expires_at,
            )
        )
        return True

    def find(self, key: str, now: datetime) -> Session | None:
        """The session of a cookie, unless it is over."""
        row = self._connection.execute(
            sa.select(sessions).where(sessions.c.key == key, sessions.c.expires_at > now)
        ).first()
        if row is None:
            return None
        person, tokens = self._open(key, row.sealed)
        return Session(key, row.sid, person, tokens, row.expires_at)

    def claim(self, session: Session, now: datetime) -> bool:
        """Whether it is ours to renew these tokens; at most one caller is told so, until it is done or has had its time."""
        free = sa.or_(sessions.c.claimed_at.is_(None), sessions.c.claimed_at < now - CLAIM_LIFETIME)
        same = sessions.c.token_expires_at == session.tokens.expires_at  # nobody renewed them since they were read
        claimed = self._connection.execute(
            sessions.update().where(sessions.c.key == session.key, free, same).values(claimed_at=now)
        )
        return claimed.rowcount == 1

    def renew(self, session: Session, tokens: Tokens) -> None:
        """Keeps the new tokens and lets the next claim come."""
        self._connection.execute(
            sessions.update()
            .where(sessions.c.key == session.key)
            .values(
                sealed=self._seal(session.key, session.person, tokens),
                token_expires_at=tokens.expires_at,
                claimed_at=None,
            )
        )

    def release(self, key: str) -> None:
        """Gives a claim back: the next to ask may try."""
        self._connection.execute(sessions.update().where(sessions.c.key == key).values(claimed_at=None))

    def end(self, key: str) -> None:
        self._connection.execute(sessions.delete().where(sessions.c.key == key))

    def end_sid(self, sid: str, now: datetime) -> int:
        """Ends what identity has ended, now and whenever it may still try to begin; how many there were."""
        self._lock_sid(sid)
        self._connection.execute(insert(ended_sids).values(sid=sid, ended_at=now).on_conflict_do_nothing())
        return self._connection.execute(sessions.delete().where(sessions.c.sid == sid)).rowcount

    def end_subject(self, subject: str) -> int:
        """Ends every session of one person."""
        return self._connection.execute(sessions.delete().where(sessions.c.subject == subject)).rowcount

    def forget(self, now: datetime) -> None:
        """Removes what is over."""
        self._connection.execute(sessions.delete().where(sessions.c.expires_at <= now))
        self._connection.execute(ended_sids.delete().where(ended_sids.c.ended_at <= now - KEEP_ENDED))

    def _lock_sid(self, sid: str) -> None:
        """A session's beginning and its end do not pass each other unseen."""
        self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"sid {sid}"))))

    def _seal(self, key: str, person: Person, tokens: Tokens) -> bytes:
        who = {**dataclasses.asdict(person), "roles": sorted(person.roles)}
        what = {**dataclasses.asdict(tokens), "expires_at": tokens.expires_at.isoformat()}
        return self._cipher.seal(json.dumps([who, what]), f"sessions.sealed.{key}")

    def _open(self, key: str, sealed: bytes) -> tuple[Person, Tokens]:
        who, what = json.loads(self._cipher.open(sealed, f"sessions.sealed.{key}"))
        who["roles"] = frozenset(who["roles"])
        what["expires_at"] = datetime.fromisoformat(what["expires_at"])
        return Person(**who), Tokens(**what)
