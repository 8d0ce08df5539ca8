"""What relying parties were given, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from identity.adapters.tables import codes, grants, refresh_tokens
from identity.domain.grants import Code, Grant


class Grants:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, grant: Grant, code: Code) -> None:
        self._connection.execute(insert(grants).values(vars(grant)))
        self._connection.execute(insert(codes).values(vars(code) | {"grant_id": grant.id}))

    def get(self, grant_id: str) -> Grant | None:
        row = self._connection.execute(select(grants).where(grants.c.id == grant_id)).one_or_none()
        return _grant(row) if row else None

    def by_code(self, key: str) -> tuple[Grant, Code] | None:
        row = self._connection.execute(select(codes).where(codes.c.key == key)).one_or_none()
        if row is None:
            return None
        return self._held(row.grant_id), Code(row.key, row.redirect_uri, row.challenge, row.nonce, row.expires_at)

    def by_refresh(self, key: str) -> tuple[Grant, int] | None:
        row = self._connection.execute(select(refresh_tokens).where(refresh_tokens.c.key == key)).one_or_none()
        return (self._held(row.grant_id), row.generation) if row else None

    def save(self, grant: Grant) -> None:
        self._connection.execute(update(grants).where(grants.c.id == grant.id).values(vars(grant)))

    def add_refresh(self, key: str, grant: Grant, now: datetime) -> None:
        row = {"key": key, "grant_id": grant.id, "generation": grant.generation, "issued_at": now}
        self._connection.execute(insert(refresh_tokens).values(row))

    def parties(self, sids: Iterable[str]) -> dict[str, list[str]]:
        query = (
            select(grants.c.sid, grants.c.client_id)
            .where(grants.c.sid.in_(list(sids)), grants.c.redeemed_at.is_not(None))
            .group_by(grants.c.sid, grants.c.client_id)
            .order_by(func.min(grants.c.redeemed_at), grants.c.client_id)
        )
        found: dict[str, list[str]] = {}
        for row in self._connection.execute(query):
            found.setdefault(row.sid, []).append(row.client_id)
        return found

    def _held(self, grant_id: str) -> Grant:
        query = select(grants).where(grants.c.id == grant_id).with_for_update()
        return _grant(self._connection.execute(query).one())


def _grant(row: Row[Any]) -> Grant:
    return Grant(**row._mapping)
