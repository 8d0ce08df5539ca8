"""The same request twice has one effect: its key, its digest and its answer are stored in the transaction that acts.

Follows the Idempotency-Key header draft (IETF httpapi): a key comes from the caller, and a key that returns with other
content is a mistake of the caller's, never a second effect.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from google.protobuf.message import Message
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.engine import Connection

from chassis.database import later, messaging_tables
from chassis.errors import Fault, Kind

MAX_KEY = 64

_table = messaging_tables(sa.MetaData()).once
_claim = pg.insert(_table).on_conflict_do_nothing().returning(_table.c.key)
_same = sa.and_(_table.c.scope == sa.bindparam("_scope"), _table.c.key == sa.bindparam("_key"))
_keep = sa.update(_table).where(_same).values(answer=sa.bindparam("_answer"))
_find = sa.select(_table.c.digest, _table.c.answer).where(_same)


def digest_of(message: Message) -> str:
    """Hex SHA-256 of a message's deterministic binary form; equal for equal requests of one release."""
    return hashlib.sha256(message.SerializeToString(deterministic=True)).hexdigest()


def once(connection: Connection, *, scope: str, key: str, digest: str, produce: Callable[[], bytes]) -> bytes:
    """Runs `produce` at most once per scope and key, and returns its bytes every time.

    `scope` says whose keys they are (service method and person, for example). Under concurrency the second waits for
    the first one's commit, and acts itself if the first rolled back. The bytes stay in the database: keep a reference
    to what was made, not personal data. After `once_keep_days` a key is forgotten (database/retention.py).
    Raises Fault `request.key_missing`, `request.key_invalid` (invalid) or `request.key_reused` (conflict).
    """
    _check(key)
    claimed = connection.execute(_claim, {"scope": scope, "key": key, "digest": digest}).scalar()
    if claimed is not None:
        answer = produce()
        with later(connection):
            connection.execute(_keep, {"_scope": scope, "_key": key, "_answer": answer})
        return answer
    row = _stored(connection, scope, key)
    if row is None:  # forgotten since, because of its age
        return once(connection, scope=scope, key=key, digest=digest, produce=produce)
    if row.digest != digest:
        raise Fault(
            "request.key_reused",
            Kind.CONFLICT,
            "This idempotency key was used with other content; send a new key for a new request.",
        )
    return bytes(row.answer)


def _stored(connection: Connection, scope: str, key: str) -> sa.Row[Any, Any] | None:
    return connection.execute(_find, {"_scope": scope, "_key": key}).one_or_none()


def _check(key: str) -> None:
    if not key:
        raise Fault(
            "request.key_missing", Kind.INVALID, "Send an idempotency key, so that a repeated request acts once."
        )
    if len(key) > MAX_KEY or not all("!" <= character <= "~" for character in key):
        raise Fault(
            "request.key_invalid", Kind.INVALID, f"An idempotency key is 1 to {MAX_KEY} visible ASCII characters."
        )
