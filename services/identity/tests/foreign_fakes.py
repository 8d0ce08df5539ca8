"""The parts of identity's database that people of other districts need, in memory; see fakes.py."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from identity.domain.federation import Attempt, ForeignSession
from identity.domain.firms import Standing
from identity.domain.model import Account, AccountKind, Assurance, Person, Role
from identity.domain.vouching import Word


class FakeSwitches:
    def __init__(self) -> None:
        self._rows: dict[str, Attempt] = {}

    def begin(self, attempt: Attempt) -> None:
        self._rows[attempt.state_key] = attempt

    def take(self, state_key: str, browser_key: str) -> Attempt | None:
        kept = self._rows.get(state_key)
        return self._rows.pop(state_key) if kept and kept.browser_key == browser_key else None

    def forget(self, before: datetime) -> int:
        old = [key for key, attempt in self._rows.items() if attempt.begun_at < before]
        for key in old:
            del self._rows[key]
        return len(old)


class FakeForeignAccounts:
    def __init__(self) -> None:
        self._rows: dict[str, Account] = {}

    def get(self, subject: str) -> Account | None:
        return self._rows.get(subject)

    get_for_change = get

    def keep(self, subject: str, person: Person, acr: Assurance, now: datetime) -> None:
        known = Person(person.name, person.id_number, "", "")
        self._rows[subject] = Account(subject, "", AccountKind.PERSON, frozenset({Role.CITIZEN}), acr, known)


class FakeForeignSessions:
    def __init__(self, sessions: Any) -> None:
        self._sessions = sessions
        self._rows: dict[str, tuple[ForeignSession, datetime]] = {}

    def put(self, session: ForeignSession, check_at: datetime) -> None:
        self._rows[session.sid] = session, check_at

    def get(self, sid: str) -> ForeignSession | None:
        return self._rows[sid][0] if sid in self._rows else None

    def of_home(self, home: str, home_sid: str) -> list[str]:
        return [sid for sid, (kept, _) in self._rows.items() if (kept.home, kept.home_sid) == (home, home_sid)]

    def elsewhere_than(self, homes: Collection[str]) -> list[str]:
        return sorted(sid for sid, (kept, _) in self._rows.items() if kept.home not in homes)

    def _open(self, now: datetime) -> list[tuple[ForeignSession, datetime]]:
        found = ((self._sessions.by_sid(sid), row) for sid, row in self._rows.items())
        return [row for session, row in found if session and session.is_open(now)]

    def due(self, now: datetime) -> list[str]:
        return sorted({kept.home for kept, at in self._open(now) if at <= now})

    def unconfirmed_since(self, moment: datetime, now: datetime, most: int) -> list[str]:
        return [kept.sid for kept, _ in self._open(now) if kept.confirmed_at <= moment][:most]

    def claim(self, home: str, now: datetime, until: datetime, most: int) -> list[ForeignSession]:
        due = [kept for kept, at in self._open(now) if at <= now and kept.home == home][:most]
        for kept in due:
            self.put(kept, until)
        return due

    def check_again(self, sid: str, at: datetime) -> None:
        if sid in self._rows:
            self.put(self._rows[sid][0], at)

    def drop(self, sid: str) -> None:
        self._rows.pop(sid, None)


class FakeForeignFirms:
    def __init__(self) -> None:
        self._rows: dict[str, Word] = {}

    def keep(self, subject: str, word: Word) -> None:
        if subject not in self._rows or self._rows[subject].asked_at <= word.asked_at:
            self._rows[subject] = word

    def of(self, subject: str, now: datetime) -> list[Standing]:
        word = self._rows.get(subject)
        return list(word.firms) if word and now < word.until else []

    def forget(self, before: datetime) -> int:
        old = [subject for subject, word in self._rows.items() if word.until < before]
        for subject in old:
            del self._rows[subject]
        return len(old)


class FakeFederationLog:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str, str, str, datetime]] = []

    def note(self, event: str, session: ForeignSession, detail: str, now: datetime) -> None:
        self.lines.append((event, session.home, session.subject, session.sid, detail, now))

    def forget(self, before: datetime) -> int:
        kept = [line for line in self.lines if line[-1] >= before]
        gone, self.lines = len(self.lines) - len(kept), kept
        return gone
