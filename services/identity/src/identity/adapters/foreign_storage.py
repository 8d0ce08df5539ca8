"""People of other districts and their sessions here, on PostgreSQL; names and tokens are sealed, each to its own row."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Exists, Row, delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert

from identity.adapters.sealing import Sealing
from identity.adapters.tables import (
    federation_log,
    foreign_accounts,
    foreign_firms,
    foreign_sessions,
    sessions,
    switches,
)
from identity.domain.federation import Attempt, ForeignSession, home_of
from identity.domain.firms import Firm, Standing
from identity.domain.model import Account, AccountKind, Assurance, Person, Role
from identity.domain.vouching import Word


class Switches:
    """Sign-ins that were begun at somebody's home and have not come back."""

    def __init__(self, connection: Connection, sealing: Sealing) -> None:
        self._connection, self._sealing = connection, sealing

    def begin(self, attempt: Attempt) -> None:
        row = {name: value for name, value in vars(attempt).items() if name != "verifier"}
        row["verifier_sealed"] = self._sealing.seal("verifier", attempt.state_key, attempt.verifier)
        self._connection.execute(insert(switches).values(row))

    def take(self, state_key: str, browser_key: str) -> Attempt | None:
        here = (switches.c.state_key == state_key, switches.c.browser_key == browser_key)
        row = self._connection.execute(delete(switches).where(*here).returning(switches)).one_or_none()
        if row is None:
            return None
        values = dict(row._mapping)
        sealed = values.pop("verifier_sealed")
        return Attempt(**values, verifier=self._sealing.open("verifier", state_key, sealed))

    def forget(self, before: datetime) -> int:
        return self._connection.execute(delete(switches).where(switches.c.begun_at < before)).rowcount


class ForeignAccounts:
    """Who people of other districts are, as their homes say."""

    def __init__(self, connection: Connection, sealing: Sealing) -> None:
        self._connection, self._sealing = connection, sealing

    def get(self, subject: str) -> Account | None:
        return self._one(select(foreign_accounts).where(foreign_accounts.c.subject == subject))

    def get_for_change(self, subject: str) -> Account | None:
        return self._one(select(foreign_accounts).where(foreign_accounts.c.subject == subject).with_for_update())

    def keep(self, subject: str, person: Person, acr: Assurance, now: datetime) -> None:
        values = {
            "home": home_of(subject),
            "name_sealed": self._sealing.seal("foreign_name", subject, person.name),
            "id_number_sealed": self._sealing.seal("foreign_id_number", subject, person.id_number),
            "acr": acr.value,
            "seen_at": now,
        }
        added = insert(foreign_accounts).values(subject=subject, first_seen_at=now, **values)
        self._connection.execute(added.on_conflict_do_update(index_elements=["subject"], set_=values))

    def _one(self, query: Any) -> Account | None:
        row = self._connection.execute(query).one_or_none()
        return self._account(row) if row else None

    def _account(self, row: Row[Any]) -> Account:
        name = self._sealing.open("foreign_name", row.subject, row.name_sealed)
        number = self._sealing.open("foreign_id_number", row.subject, row.id_number_sealed)
        return Account(
            subject=row.subject,
            login="",
            kind=AccountKind.PERSON,
            roles=frozenset({Role.CITIZEN}),
            acr=Assurance(row.acr),
            person=Person(name, number, "", ""),
        )


def _is_open(now: datetime) -> Exists:
    """Whether the session that a row is about is open."""
    return exists().where(
        sessions.c.sid == foreign_sessions.c.sid, sessions.c.ended_at.is_(None), sessions.c.expires_at > now
    )


class ForeignSessions:
    """Sessions that stand on one at the person's home."""

    def __init__(self, connection: Connection, sealing: Sealing) -> None:
        self._connection, self._sealing = connection, sealing

    def put(self, session: ForeignSession, check_at: datetime) -> None:
        values = vars(session) | {"acr": session.acr.value, "check_at": check_at}
        values["refresh_sealed"] = self._sealing.seal("refresh", session.sid, values.pop("refresh_token"))
        added = insert(foreign_sessions).values(values)
        fresh = {name: value for name, value in values.items() if name != "sid"}
        self._connection.execute(added.on_conflict_do_update(index_elements=["sid"], set_=fresh))

    def get(self, sid: str) -> ForeignSession | None:
        row = self._connection.execute(select(foreign_sessions).where(foreign_sessions.c.sid == sid)).one_or_none()
        return self._session(row) if row else None

    def of_home(self, home: str, home_sid: str) -> list[str]:
        here = (foreign_sessions.c.home == home, foreign_sessions.c.home_sid == home_sid)
        return list(self._connection.execute(select(foreign_sessions.c.sid).where(*here)).scalars())

    def elsewhere_than(self, homes: Collection[str]) -> list[str]:
        query = select(foreign_sessions.c.sid).where(foreign_sessions.c.home.not_in(homes))
        return list(self._connection.execute(query.order_by(foreign_sessions.c.sid)).scalars())

    def due(self, now: datetime) -> list[str]:
        query = select(foreign_sessions.c.home).where(foreign_sessions.c.check_at <= now, _is_open(now))
        return list(self._connection.execute(query.distinct().order_by(foreign_sessions.c.home)).scalars())

    def claim(self, home: str, now: datetime, until: datetime, most: int) -> list[ForeignSession]:
        due = (
            select(foreign_sessions.c.sid)
            .where(foreign_sessions.c.home == home, foreign_sessions.c.check_at <= now, _is_open(now))
            .order_by(foreign_sessions.c.check_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        change = update(foreign_sessions).where(foreign_sessions.c.sid.in_(due)).values(check_at=until)
        return [self._session(row) for row in self._connection.execute(change.returning(foreign_sessions))]

    def unconfirmed_since(self, moment: datetime, now: datetime, most: int) -> list[str]:
        query = (
            select(foreign_sessions.c.sid)
            .where(foreign_sessions.c.confirmed_at <= moment, _is_open(now))
            .order_by(foreign_sessions.c.confirmed_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        return list(self._connection.execute(query).scalars())

    def check_again(self, sid: str, at: datetime) -> None:
        self._connection.execute(update(foreign_sessions).where(foreign_sessions.c.sid == sid).values(check_at=at))

    def drop(self, sid: str) -> None:
        self._connection.execute(delete(foreign_sessions).where(foreign_sessions.c.sid == sid))

    def _session(self, row: Row[Any]) -> ForeignSession:
        return ForeignSession(
            sid=row.sid,
            home=row.home,
            home_sid=row.home_sid,
            subject=row.subject,
            acr=Assurance(row.acr),
            refresh_token=self._sealing.open("refresh", row.sid, row.refresh_sealed),
            confirmed_at=row.confirmed_at,
        )


class ForeignFirms:
    """For which firms of their home people of other districts may act; who acts for whom is sealed."""

    def __init__(self, connection: Connection, sealing: Sealing) -> None:
        self._connection, self._sealing = connection, sealing

    def keep(self, subject: str, word: Word) -> None:
        rows = [[h.firm.subject, h.firm.name, h.firm.credit_code, h.firm.acr.value, *h.item_codes] for h in word.firms]
        sealed = self._sealing.seal("firms", subject, json.dumps(rows), "foreign_firms")
        values = {"firms_sealed": sealed, "asked_at": word.asked_at, "until": word.until}
        added = insert(foreign_firms).values(subject=subject, **values)
        newer = foreign_firms.c.asked_at <= word.asked_at
        self._connection.execute(added.on_conflict_do_update(index_elements=["subject"], set_=values, where=newer))

    def of(self, subject: str, now: datetime) -> list[Standing]:
        query = select(foreign_firms).where(foreign_firms.c.subject == subject, foreign_firms.c.until > now)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return []
        rows = json.loads(self._sealing.open("firms", subject, row.firms_sealed, "foreign_firms"))
        return [
            Standing(Firm(firm, name, code, "", Assurance(acr), row.asked_at), frozenset(items))
            for firm, name, code, acr, *items in rows
        ]

    def forget(self, before: datetime) -> int:
        return self._connection.execute(delete(foreign_firms).where(foreign_firms.c.until < before)).rowcount


class FederationLog:
    """Who of another district came, and who left, and why."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def note(self, event: str, session: ForeignSession, detail: str, now: datetime) -> None:
        row = {"at": now, "event": event, "detail": detail}
        row |= {"home": session.home, "subject": session.subject, "sid": session.sid}
        self._connection.execute(insert(federation_log).values(row))

    def forget(self, before: datetime) -> int:
        return self._connection.execute(delete(federation_log).where(federation_log.c.at < before)).rowcount
