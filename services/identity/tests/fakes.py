"""Identity's database in memory; it passes the same suite as the real one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from identity.domain.events import AccountDisabled
from identity.domain.model import Account, Client, Session


class FakeAccounts:
    def __init__(self) -> None:
        self._rows: dict[str, Account] = {}
        self._hashes: dict[str, str] = {}

    def get(self, subject: str) -> Account | None:
        return self._rows.get(subject)

    get_for_change = get

    def by_login(self, login: str) -> Account | None:
        return next((account for account in self._rows.values() if account.login == login), None)

    def password_hash(self, subject: str) -> str:
        return self._hashes[subject]

    def add(self, account: Account, password_hash: str) -> None:
        self._rows[account.subject], self._hashes[account.subject] = account, password_hash

    def add_if_free(self, account: Account, password_hash: str) -> bool:
        if self.by_login(account.login):
            return False
        self.add(account, password_hash)
        return True

    def save(self, account: Account) -> None:
        self._rows[account.subject] = account

    def set_password_hash(self, subject: str, password_hash: str) -> None:
        self._hashes[subject] = password_hash


class FakeSessions:
    def __init__(self) -> None:
        self._rows: dict[str, Session] = {}

    def get(self, key: str) -> Session | None:
        return self._rows.get(key)

    def add(self, session: Session) -> None:
        self._rows[session.key] = session

    def end(self, key: str, now: datetime) -> None:
        session = self._rows.get(key)
        if session and session.ended_at is None:
            self._rows[key] = replace(session, ended_at=now)

    def end_all(self, subject: str, now: datetime) -> int:
        found = [s.key for s in self._rows.values() if s.subject == subject and s.ended_at is None]
        for key in found:
            self.end(key, now)
        return len(found)

    def forget(self, before: datetime) -> int:
        old = [session.key for session in self._rows.values() if session.expires_at < before]
        for key in old:
            del self._rows[key]
        return len(old)


class FakeClients:
    def __init__(self) -> None:
        self._rows: dict[str, Client] = {}
        self._used: dict[tuple[str, str], datetime] = {}

    def get(self, client_id: str) -> Client | None:
        return self._rows.get(client_id)

    def add(self, client: Client) -> bool:
        return self._rows.setdefault(client.client_id, client) is client

    def use_assertion(self, client_id: str, jti: str, expires_at: datetime) -> bool:
        fresh = (client_id, jti) not in self._used
        self._used.setdefault((client_id, jti), expires_at)
        return fresh

    def forget_assertions(self, before: datetime) -> int:
        old = [key for key, expires_at in self._used.items() if expires_at < before]
        for key in old:
            del self._used[key]
        return len(old)


class FakeRegistries:
    def __init__(self) -> None:
        self._rows: dict[int, str] = {}

    def newest(self) -> tuple[int, str] | None:
        return max(self._rows.items(), default=None)

    def keep(self, version: int, text: str, now: datetime) -> None:
        self._rows[version] = text


class FakeWork:
    def __init__(self) -> None:
        self.accounts, self.sessions, self.clients = FakeAccounts(), FakeSessions(), FakeClients()
        self.registry = FakeRegistries()
        self.events: list[AccountDisabled] = []

    def record(self, event: AccountDisabled) -> None:
        self.events.append(event)
