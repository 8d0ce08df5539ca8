"""One database a service, one role that owns its tables (migrations), one that only works with their rows (the service).

The statements are the same for the same input, and can be run again: passwords travel as SCRAM verifiers (RFC 5802,
RFC 7677) salted from themselves, never in clear.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_ITERATIONS = 4096  # PostgreSQL's own

#: What keeps something and is not on the bus.
BESIDE_THE_BUS = ("portal",)


def owners(servers: Iterable[str]) -> tuple[str, ...]:
    """Everything that has a database of its own: the bus's `servers`, and what stands beside it."""
    return tuple(sorted({*servers, *BESIDE_THE_BUS}))


@dataclass(frozen=True)
class Credentials:
    """The passwords of one service's two roles."""

    owner: str = field(repr=False)
    runtime: str = field(repr=False)


def owner_role(service: str) -> str:
    return f"{service}_owner"


def runtime_role(service: str) -> str:
    return f"{service}_app"


def verifier(role: str, password: str) -> str:
    """What PostgreSQL stores for `password`; it accepts one in place of the password itself."""
    salt = hmac.digest(password.encode(), role.encode(), "sha256")[:16]
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(_ITERATIONS, *parts)


def role_statements(services: Mapping[str, Credentials]) -> list[str]:
    """Makes the roles, or gives them these passwords; run in any database."""
    return [*creation_statements(services), *login_statements(services)]


def creation_statements(services: Iterable[str]) -> list[str]:
    """Makes the roles that are not there; nobody can log in as one yet."""
    statements = ["REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC"]
    for service in sorted(services):
        for role in (owner_role(service), runtime_role(service)):
            statements.append(
                f"DO $$ BEGIN CREATE ROLE {role} NOINHERIT; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
            )
    return statements


def login_statements(services: Mapping[str, Credentials]) -> list[str]:
    """Lets the roles in, with these passwords."""
    statements = []
    for service, credentials in sorted(services.items()):
        passwords = {owner_role(service): credentials.owner, runtime_role(service): credentials.runtime}
        for role, password in passwords.items():
            statements.append(f"ALTER ROLE {role} LOGIN PASSWORD '{verifier(role, password)}'")
    return statements


def create_statement(database: str, service: str) -> str:
    """Makes one database of `service`; its name is the service's own, save in tests."""
    return f"CREATE DATABASE {database} OWNER {owner_role(service)}"


def connect_statements(database: str, service: str) -> list[str]:
    """Who may connect to it: its two roles."""
    roles = f"{owner_role(service)}, {runtime_role(service)}"
    return [
        f"REVOKE ALL ON DATABASE {database} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {database} TO {roles}",
    ]


def schema_statements(service: str) -> list[str]:
    """What the runtime role may do: rows, never tables. Run inside the database."""
    owner, runtime = owner_role(service), runtime_role(service)
    defaults = f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT"
    return [
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f"GRANT ALL ON SCHEMA public TO {owner}",
        f"GRANT USAGE ON SCHEMA public TO {runtime}",
        f"{defaults} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {runtime}",
        f"{defaults} USAGE, SELECT ON SEQUENCES TO {runtime}",
    ]


def access_lines(services: Iterable[str], *, databases: str | None = None, network: str = "127.0.0.0/8") -> list[str]:
    """pg_hba.conf: each role reaches its own database, with its password, from `network`; nobody else reaches anything."""
    return [
        f"host {databases or service} {owner_role(service)},{runtime_role(service)} {network} scram-sha-256"
        for service in sorted(services)
    ]
