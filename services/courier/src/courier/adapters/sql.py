"""Whole batches in one statement: rows travel as one array a column and are unnested by the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chassis.database import later
from sqlalchemy import Connection


def unnest(kinds: Sequence[str]) -> str:
    """`unnest(%s::text[], …)` for columns of these types."""
    return f"unnest({', '.join(f'%s::{kind}[]' for kind in kinds)})"


def arrays(rows: Sequence[Sequence[Any]], width: int) -> tuple[list[Any], ...]:
    """The rows as columns."""
    return tuple([row[at] for row in rows] for at in range(width))


def insert(
    connection: Connection, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]], then: str = ""
) -> None:
    """Inserts `rows`, no later than with the next statement; `columns` maps each name to its type, `then` follows the statement (ON CONFLICT …)."""
    if not rows:
        return
    names = ", ".join(columns)
    kinds = list(columns.values())
    statement = f"INSERT INTO {table} ({names}) SELECT * FROM {unnest(kinds)} {then}"  # noqa: S608 -- our own names
    write(connection, statement, arrays(rows, len(kinds)))


def write(connection: Connection, statement: str, values: tuple[Any, ...]) -> None:
    """Runs a statement whose answer nobody waits for: it travels with the next one, or with the commit."""
    with later(connection):
        connection.exec_driver_sql(statement, values)


def joined(
    connection: Connection, statement: str, kinds: Sequence[str], rows: Sequence[Sequence[Any]], *more: Any
) -> Any:
    """Runs `statement`, in which `{rows}` stands for the unnested rows; `more` are the parameters before them."""
    return connection.exec_driver_sql(statement.format(rows=unnest(kinds)), (*more, *arrays(rows, len(kinds))))


def change(connection: Connection, statement: str, kinds: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """`joined`, for a statement whose answer nobody waits for."""
    write(connection, statement.format(rows=unnest(kinds)), arrays(rows, len(kinds)))
