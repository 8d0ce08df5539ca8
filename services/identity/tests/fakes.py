"""Identity's database in memory; it passes the same suite as the real one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from identity.domain.errors import ProofingAway
from identity.domain.events import AccountDisabled
from identity.domain.firms import Firm, Mandate
from identity.domain.grants import Code, Grant
from identity.domain.logouts import Logout
from identity.domain.model import Account, Assurance, Client, Session
from identity.domain.proofs import Proof

from .foreign_fakes import FakeFederationLog, FakeForeignAccounts, FakeForeignFirms, FakeForeignSessions, FakeSwitches


class FakeAccounts:
    def __init__(self) -> None:
        self._rows: dict[str, Account] = {}
        self._hashes: dict[str, str] = {}
        self.foreign = FakeForeignAccounts()

    def get(self, subject: str) -> Account | None:
        return self.foreign.get(subject) or self._rows.get(subject)

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

    def save_proven(self, account: Account) -> bool:
        number, strong = account.person.id_number, (Assurance.L4, Assurance.L5)
        others = (a for a in self._rows.values() if a.subject != account.subject and a.acr in strong)
        if account.acr in strong and any(a.person.id_number == number for a in others):
            return False
        self.save(account)
        return True

    def set_password_hash(self, subject: str, password_hash: str) -> None:
        self._hashes[subject] = password_hash


class FakeSessions:
    def __init__(self) -> None:
        self._rows: dict[str, Session] = {}

    def get(self, key: str) -> Session | None:
        return self._rows.get(key)

    def by_sid(self, sid: str) -> Session | None:
        return next((session for session in self._rows.values() if session.sid == sid), None)

    hold = by_sid

    def of(self, subject: str) -> list[Session]:
        found = [s for s in self._rows.values() if s.subject == subject and s.ended_at is None]
        return sorted(found, key=lambda session: session.signed_in_at, reverse=True)

    def add(self, session: Session) -> None:
        self._rows[session.key] = session

    def renew(self, key: str, session: Session) -> None:
        del self._rows[key]
        self._rows[session.key] = session

    def act_for(self, key: str, firm: str) -> None:
        self._rows[key] = replace(self._rows[key], acting_for=firm)

    def end(self, sid: str, now: datetime) -> bool:
        session = self.by_sid(sid)
        if session is None or session.ended_at is not None:
            return False
        self._rows[session.key] = replace(session, ended_at=now)
        return True

    def end_all(self, subject: str, now: datetime) -> list[str]:
        return [session.sid for session in self.of(subject) if self.end(session.sid, now)]

    def ended_since(self, moment: datetime) -> list[str]:
        ended = [(s.ended_at, s.sid) for s in self._rows.values() if s.ended_at and s.ended_at >= moment]
        return [sid for _, sid in sorted(ended)]

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


class FakeGrants:
    def __init__(self) -> None:
        self._rows: dict[str, Grant] = {}
        self._codes: dict[str, tuple[str, Code]] = {}
        self._refresh: dict[str, tuple[str, int]] = {}

    def add(self, grant: Grant, code: Code) -> None:
        self._rows[grant.id], self._codes[code.key] = grant, (grant.id, code)

    def get(self, grant_id: str) -> Grant | None:
        return self._rows.get(grant_id)

    def by_code(self, key: str) -> tuple[Grant, Code] | None:
        if key not in self._codes:
            return None
        grant_id, code = self._codes[key]
        return self._rows[grant_id], code

    def by_refresh(self, key: str) -> tuple[Grant, int] | None:
        if key not in self._refresh:
            return None
        grant_id, generation = self._refresh[key]
        return self._rows[grant_id], generation

    def save(self, grant: Grant) -> None:
        self._rows[grant.id] = grant

    def add_refresh(self, key: str, grant: Grant, now: datetime) -> None:
        self._refresh[key] = (grant.id, grant.generation)

    def parties(self, sids: Iterable[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        wanted = set(sids)
        redeemed = [grant for grant in self._rows.values() if grant.sid in wanted and grant.redeemed_at]
        for grant in sorted(redeemed, key=lambda grant: (grant.redeemed_at, grant.client_id)):
            known = found.setdefault(grant.sid, [])
            if grant.client_id not in known:
                known.append(grant.client_id)
        return found


@dataclass
class _Row:
    logout: Logout
    next_try_at: datetime
    told_at: datetime | None = None


class FakeLogouts:
    def __init__(self, grants: FakeGrants, foreign: FakeForeignSessions) -> None:
        self._grants, self._foreign = grants, foreign
        self._rows: dict[tuple[str, str], _Row] = {}

    def queue(self, sids: Iterable[str], now: datetime) -> int:
        before = len(self._rows)
        wanted = set(sids)
        for grant in self._grants._rows.values():
            if grant.sid in wanted and grant.redeemed_at:
                logout = Logout(grant.client_id, grant.sid, grant.subject, now, 0)
                self._rows.setdefault((grant.client_id, grant.sid), _Row(logout, now))
        for sid in wanted:
            if home := self._foreign.get(sid):
                logout = Logout(home.home, home.home_sid, home.subject, now, 0)
                self._rows.setdefault((home.home, home.home_sid), _Row(logout, now))
        return len(self._rows) - before

    def waiting(self, now: datetime) -> list[str]:
        return sorted({row.logout.client_id for row in self._due(now)})

    def claim(self, client_id: str, now: datetime, until: datetime, most: int) -> list[Logout]:
        due = sorted(
            (row for row in self._due(now) if row.logout.client_id == client_id), key=lambda row: row.next_try_at
        )[:most]
        for row in due:
            row.next_try_at, row.logout = until, replace(row.logout, tries=row.logout.tries + 1)
        return sorted((row.logout for row in due), key=lambda logout: logout.ended_at)

    def told(self, logout: Logout, now: datetime) -> None:
        self._rows[logout.client_id, logout.sid].told_at = now

    def again(self, logout: Logout, at: datetime) -> None:
        self._rows[logout.client_id, logout.sid].next_try_at = at

    def forget(self, before: datetime) -> int:
        old = [key for key, row in self._rows.items() if row.logout.ended_at < before]
        return sum(self._rows.pop(key).told_at is None for key in old)

    def oldest(self) -> dict[str, datetime]:
        waiting = [row.logout for row in self._rows.values() if row.told_at is None]
        of = {logout.client_id for logout in waiting}
        return {party: min(logout.ended_at for logout in waiting if logout.client_id == party) for party in of}

    def untold(self) -> int:
        return sum(row.told_at is None for row in self._rows.values())

    def _due(self, now: datetime) -> list[_Row]:
        return [row for row in self._rows.values() if row.told_at is None and row.next_try_at <= now]


class FakeFirms:
    def __init__(self) -> None:
        self._rows: dict[str, Firm] = {}

    def get(self, subject: str) -> Firm | None:
        return self._rows.get(subject)

    get_for_change = get

    def by_credit_code(self, credit_code: str) -> Firm | None:
        return next((firm for firm in self._rows.values() if firm.credit_code == credit_code), None)

    def of_representative(self, subject: str) -> Sequence[Firm]:
        return sorted(
            (f for f in self._rows.values() if f.representative == subject), key=lambda f: (f.name, f.subject)
        )

    def add(self, firm: Firm) -> bool:
        if self.by_credit_code(firm.credit_code):
            return False
        self._rows[firm.subject] = firm
        return True

    def save(self, firm: Firm) -> None:
        self._rows[firm.subject] = firm


class FakeMandates:
    def __init__(self) -> None:
        self._rows: dict[str, Mandate] = {}

    def get(self, id: str) -> Mandate | None:
        return self._rows.get(id)

    def of_handler(self, id_number: str) -> Sequence[Mandate]:
        return sorted((m for m in self._rows.values() if m.handler_number == id_number), key=lambda m: m.id)

    def of_firm(self, firm: str) -> Sequence[Mandate]:
        found = sorted((m for m in self._rows.values() if m.firm == firm), key=lambda m: m.id)
        return sorted(found, key=lambda m: m.granted_at, reverse=True)

    def add(self, mandate: Mandate) -> None:
        self._rows[mandate.id] = mandate

    def save(self, mandate: Mandate) -> None:
        self._rows[mandate.id] = mandate


class FakeProofs:
    def __init__(self) -> None:
        self._rows: list[Proof] = []

    def add(self, proof: Proof) -> None:
        self._rows.append(proof)

    def of(self, subject: str) -> Sequence[Proof]:
        return sorted((p for p in self._rows if p.subject == subject), key=lambda p: (p.at, p.id), reverse=True)


class FakeSource:
    """Confirms what stands in `known`; away where told so."""

    name, note = "fake", None

    def __init__(self, *known: tuple[str, ...]) -> None:
        self.known, self.away = set(known), False

    def _knows(self, *claim: str) -> bool:
        if self.away:
            raise ProofingAway
        return claim in self.known

    def two_elements(self, name: str, id_number: str) -> bool:
        return self._knows(name, id_number)

    def document(self, name: str, id_number: str, ends: date) -> bool:
        return self._knows(name, id_number)

    def representative(self, firm: str, credit_code: str, name: str, id_number: str) -> bool:
        return self._knows(firm, credit_code, name, id_number)


class FakeWork:
    def __init__(self) -> None:
        self.accounts, self.sessions, self.clients = FakeAccounts(), FakeSessions(), FakeClients()
        self.registry = FakeRegistries()
        self.grants = FakeGrants()
        self.firms, self.mandates, self.proofs = FakeFirms(), FakeMandates(), FakeProofs()
        self.switches, self.foreign_accounts = FakeSwitches(), FakeForeignAccounts()
        self.foreign_sessions, self.federation_log = FakeForeignSessions(self.sessions), FakeFederationLog()
        self.foreign_firms = FakeForeignFirms()
        self.accounts.foreign = self.foreign_accounts
        self.logouts = FakeLogouts(self.grants, self.foreign_sessions)
        self.events: list[AccountDisabled] = []

    def record(self, event: AccountDisabled) -> None:
        self.events.append(event)
