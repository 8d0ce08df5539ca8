"""Identity's transaction on PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chassis.outbox import Outbox
from sqlalchemy import Connection, Row, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from identity import messages
from identity.adapters.firm_storage import Firms, Mandates, Proofs
from identity.adapters.foreign_storage import FederationLog, ForeignAccounts, ForeignFirms, ForeignSessions, Switches
from identity.adapters.grant_storage import Grants
from identity.adapters.logout_storage import Logouts
from identity.adapters.sealing import Sealing
from identity.adapters.tables import accounts, clients, registries, sessions, used_assertions
from identity.domain.events import AccountDisabled
from identity.domain.federation import home_of
from identity.domain.model import Account, AccountKind, Assurance, Client, Person, Role, Session


class Storage:
    """One transaction. The web process records no events, so it has no outbox."""

    def __init__(self, connection: Connection, sealing: Sealing, outbox: Outbox | None = None) -> None:
        self.foreign_accounts = ForeignAccounts(connection, sealing)
        self.accounts = Accounts(connection, sealing, self.foreign_accounts)
        self.sessions = Sessions(connection)
        self.clients = Clients(connection)
        self.registry = Registries(connection)
        self.grants = Grants(connection)
        self.logouts = Logouts(connection)
        self.firms = Firms(connection)
        self.mandates = Mandates(connection, sealing)
        self.proofs = Proofs(connection)
        self.switches = Switches(connection, sealing)
        self.foreign_sessions = ForeignSessions(connection, sealing)
        self.foreign_firms = ForeignFirms(connection, sealing)
        self.federation_log = FederationLog(connection)
        self._outbox = outbox

    def record(self, event: AccountDisabled) -> None:
        assert self._outbox is not None
        self._outbox.publish(messages.event_to_wire(event), subject=f"account/{event.subject}", version=event.version)


class Accounts:
    def __init__(self, connection: Connection, sealing: Sealing, foreign: ForeignAccounts) -> None:
        self._connection, self._sealing, self._foreign = connection, sealing, foreign

    def get(self, subject: str) -> Account | None:
        if home_of(subject):
            return self._foreign.get(subject)
        return self._one(select(accounts).where(accounts.c.subject == subject))

    def get_for_change(self, subject: str) -> Account | None:
        if home_of(subject):
            return self._foreign.get_for_change(subject)
        return self._one(select(accounts).where(accounts.c.subject == subject).with_for_update())

    def by_login(self, login: str) -> Account | None:
        return self._one(select(accounts).where(accounts.c.login == login))

    def password_hash(self, subject: str) -> str:
        query = select(accounts.c.password_hash).where(accounts.c.subject == subject)
        return str(self._connection.execute(query).scalar_one())

    def add(self, account: Account, password_hash: str) -> None:
        self._connection.execute(insert(accounts).values(self._columns(account) | {"password_hash": password_hash}))

    def add_if_free(self, account: Account, password_hash: str) -> bool:
        columns = self._columns(account) | {"password_hash": password_hash}
        added = insert(accounts).values(columns).on_conflict_do_nothing(index_elements=[accounts.c.login])
        return self._connection.execute(added.returning(accounts.c.subject)).scalar() is not None

    def save(self, account: Account) -> None:
        change = update(accounts).where(accounts.c.subject == account.subject)
        self._connection.execute(change.values(self._columns(account)))

    def save_proven(self, account: Account) -> bool:
        try:
            with self._connection.begin_nested():
                self.save(account)
        except IntegrityError:
            return False
        return True

    def set_password_hash(self, subject: str, password_hash: str) -> None:
        change = update(accounts).where(accounts.c.subject == subject)
        self._connection.execute(change.values(password_hash=password_hash))

    def _one(self, query: Any) -> Account | None:
        row = self._connection.execute(query).one_or_none()
        return self._account(row) if row else None

    def _hold_number(self, account: Account) -> None:
        """While keys change, a proven number may stand under another hash than the index compares with. Raises IntegrityError."""
        hashes = self._sealing.id_number_hashes(account.person.id_number)
        if len(hashes) < 2 or account.acr is Assurance.L2:
            return
        for each in sorted(hashes):  # whoever proves the same number, under whichever key, waits here
            self._connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(each, 0))))
        taken = exists().where(
            accounts.c.id_number_hash.in_(hashes), accounts.c.acr != Assurance.L2, accounts.c.subject != account.subject
        )
        if self._connection.execute(select(taken)).scalar():
            raise IntegrityError(None, None, ValueError("accounts_proven_id_number_hash"))

    def _columns(self, account: Account) -> dict[str, Any]:
        self._hold_number(account)
        person = account.person
        sealed = {"name": person.name, "id_number": person.id_number, "email": person.email, "phone": person.phone}
        return {
            "subject": account.subject,
            "login": account.login,
            "kind": account.kind.value,
            "roles": sorted(role.value for role in account.roles),
            "acr": account.acr.value,
            "language": person.language,
            "version": account.version,
            "enabled": account.enabled,
            "sample": account.sample,
            "id_number_hash": self._sealing.id_number_hash(person.id_number),
            **{f"{name}_sealed": self._sealing.seal(name, account.subject, text) for name, text in sealed.items()},
        }

    def _account(self, row: Row[Any]) -> Account:
        def opened(column: str) -> str:
            return self._sealing.open(column, row.subject, getattr(row, f"{column}_sealed"))

        return Account(
            subject=row.subject,
            login=row.login,
            kind=AccountKind(row.kind),
            roles=frozenset(map(Role, row.roles)),
            acr=Assurance(row.acr),
            person=Person(opened("name"), opened("id_number"), opened("email"), opened("phone"), row.language),
            version=row.version,
            enabled=row.enabled,
            sample=row.sample,
        )


class Sessions:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, key: str) -> Session | None:
        return self._one(select(sessions).where(sessions.c.key == key))

    def by_sid(self, sid: str) -> Session | None:
        return self._one(select(sessions).where(sessions.c.sid == sid))

    def hold(self, sid: str) -> Session | None:
        return self._one(select(sessions).where(sessions.c.sid == sid).with_for_update(read=True))

    def of(self, subject: str) -> list[Session]:
        query = select(sessions).where(sessions.c.subject == subject, sessions.c.ended_at.is_(None))
        return [_session(row) for row in self._connection.execute(query.order_by(sessions.c.signed_in_at.desc()))]

    def add(self, session: Session) -> None:
        self._connection.execute(insert(sessions).values(vars(session)))

    def renew(self, key: str, session: Session) -> None:
        self._connection.execute(update(sessions).where(sessions.c.key == key).values(vars(session)))

    def act_for(self, key: str, firm: str) -> None:
        self._connection.execute(update(sessions).where(sessions.c.key == key).values(acting_for=firm))

    def end(self, sid: str, now: datetime) -> bool:
        return self._connection.execute(_end(now).where(sessions.c.sid == sid)).rowcount == 1

    def end_all(self, subject: str, now: datetime) -> list[str]:
        ended = _end(now).where(sessions.c.subject == subject).returning(sessions.c.sid)
        return list(self._connection.execute(ended).scalars())

    def ended_since(self, moment: datetime) -> list[str]:
        query = (
            select(sessions.c.sid).where(sessions.c.ended_at >= moment).order_by(sessions.c.ended_at, sessions.c.sid)
        )
        return list(self._connection.execute(query).scalars())

    def forget(self, before: datetime) -> int:
        return self._connection.execute(delete(sessions).where(sessions.c.expires_at < before)).rowcount

    def _one(self, query: Any) -> Session | None:
        row = self._connection.execute(query).one_or_none()
        return _session(row) if row else None


def _session(row: Row[Any]) -> Session:
    return Session(row.key, row.sid, row.subject, row.signed_in_at, row.expires_at, row.ended_at, row.acting_for)


def _end(now: datetime) -> Any:
    return update(sessions).where(sessions.c.ended_at.is_(None)).values(ended_at=now)


class Clients:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, client_id: str) -> Client | None:
        row = self._connection.execute(select(clients).where(clients.c.client_id == client_id)).one_or_none()
        if row is None:
            return None
        return Client(row.client_id, row.public_jwk, frozenset(map(Role, row.roles)), row.registered_at, row.enabled)

    def add(self, client: Client) -> bool:
        values = vars(client) | {"roles": sorted(role.value for role in client.roles)}
        added = insert(clients).values(values).on_conflict_do_nothing().returning(clients.c.client_id)
        return self._connection.execute(added).scalar() is not None

    def use_assertion(self, client_id: str, jti: str, expires_at: datetime) -> bool:
        row = {"client_id": client_id, "jti": jti, "expires_at": expires_at}
        noted = insert(used_assertions).values(row).on_conflict_do_nothing().returning(used_assertions.c.jti)
        return self._connection.execute(noted).scalar() is not None

    def forget_assertions(self, before: datetime) -> int:
        return self._connection.execute(delete(used_assertions).where(used_assertions.c.expires_at < before)).rowcount


class Registries:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def newest(self) -> tuple[int, str] | None:
        query = select(registries.c.version, registries.c.document).order_by(registries.c.version.desc()).limit(1)
        row = self._connection.execute(query).one_or_none()
        return (row.version, row.document) if row else None

    def keep(self, version: int, text: str, now: datetime) -> None:
        self._connection.execute(insert(registries).values(version=version, document=text, kept_at=now))
