"""Where a service keeps sealed values, and the table that says under which keys they may stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from chassis.sealed import FORM, NAMED_FORM, FieldKeys


@dataclass(frozen=True)
class SealedTable:
    """One table: each sealed column with the place that its values are sealed to, as a format of the row's columns."""

    table: sa.Table
    places: Mapping[str, str]
    #: Keyed hashes to find rows by: column → the sealed column that holds the text, and the format of what is hashed.
    hashes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    #: Rows in one transaction; few where values are large.
    batch: int = 200

    @property
    def key(self) -> list[sa.Column[Any]]:
        return list(self.table.primary_key.columns)

    def beyond(self, begins: Sequence[bytes]) -> sa.ColumnElement[bool]:
        """Rows of which some value begins with none of these; a place without a value needs no key."""
        columns = [self.table.c[name] for name in self.places]
        return sa.or_(*(sa.and_(column.is_not(None), *_other(column, begins)) for column in columns))

    def place(self, column: str, row: sa.Row[Any]) -> str:
        return self.places[column].format_map(row._mapping)


def _other(column: sa.Column[Any], begins: Sequence[bytes]) -> list[sa.ColumnElement[bool]]:
    return [sa.func.substring(column, 1, len(one)) != sa.literal(one, sa.LargeBinary) for one in begins]


@dataclass(frozen=True)
class SealedTables:
    """All of a service's."""

    tables: tuple[SealedTable, ...]

    def rows_beyond(self, connection: sa.Connection, begins: Sequence[bytes]) -> dict[str, int]:
        """By table, how many rows have a value that begins with none of these; tables without such rows are left out."""
        found = {
            each.table.name: connection.execute(
                sa.select(sa.func.count()).select_from(each.table).where(each.beyond(begins))
            ).scalar_one()
            for each in self.tables
        }
        return {table: rows for table, rows in found.items() if rows}


def field_keys_table(metadata: sa.MetaData) -> sa.Table:
    """`field_keys` inside a service's own metadata: ids of keys under which a process of it sealed, and of what else must not change."""
    return sa.Table(
        "field_keys",
        metadata,
        #: named or plain, as values have it; pairwise.
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )


def create_field_keys(op: Any) -> None:
    """For a migration: `create_field_keys(op)` with alembic's `op`. Frozen: a later shape gets its own function."""
    op.execute(
        """
        CREATE TABLE field_keys (
            kind text NOT NULL,
            id text NOT NULL,
            noted_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (kind, id)
        )
        """
    )


#: The table as statements see it, whatever metadata it stands in.
NOTED = field_keys_table(sa.MetaData())


def begins_of(kind: str, id: str) -> bytes:
    """How what is sealed under a noted key begins."""
    return FORM if kind == "plain" else NAMED_FORM + bytes.fromhex(id)


def known_begins(keys: FieldKeys, noted: Sequence[tuple[str, str]]) -> list[bytes]:
    """How values begin that these keys open: under their names, and without one where the key from before names is among them."""
    ids = {key.id for key in keys.all}
    plain = [id for kind, id in noted if kind == "plain"]
    found = [NAMED_FORM + bytes.fromhex(id) for id in sorted(ids)]
    if any(not key.named for key in keys.all) or (plain and set(plain) <= ids):
        found.append(FORM)
    return found
