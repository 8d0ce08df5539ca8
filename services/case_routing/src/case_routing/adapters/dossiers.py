"""Everything under a case number, read by one statement: what has tables of its own comes as JSON beside the case's row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Column, Connection, Table

from case_routing.adapters.tables import cases, custody, early, history, materials, traces, turns

Row = Any


def _listed(table: Table, *order: Column[Any]) -> str:
    """The table's rows under the number as one column named like the table; contents of files stay where they are."""
    columns = ", ".join(column.name for column in table.c if column is not materials.c.content_sealed)
    ordered = ", ".join(column.name for column in order)
    return (
        f"(SELECT json_agg(each) FROM (SELECT {columns} FROM {table.name}"  # noqa: S608 -- our own names
        f" WHERE number = wanted.number ORDER BY {ordered}) AS each) AS {table.name}"
    )


_OF_A_CASE = ", ".join(
    (
        _listed(history, history.c.at),
        _listed(materials, materials.c.position),
        _listed(custody, custody.c.turn, custody.c.material_key),
        _listed(traces, traces.c.position),
    )
)
_BESIDE = f"{_listed(turns, turns.c.turn)}, {_listed(early, early.c.position)}"
_CASE = f"SELECT wanted.*, {_OF_A_CASE} FROM {cases.name} AS wanted WHERE number = %s"  # noqa: S608
_DOSSIER = f"SELECT wanted.*, {_OF_A_CASE}, {_BESIDE} FROM {cases.name} AS wanted WHERE number = %s FOR UPDATE"  # noqa: S608
_WITHOUT_CASE = f'SELECT {_BESIDE} FROM (SELECT %s::text COLLATE "C" AS number) AS wanted'  # noqa: S608


def case_row(connection: Connection, number: str) -> Row | None:
    """The case's row, with `case_history`, `case_material`, `case_custody` and `case_trace`."""
    return connection.exec_driver_sql(_CASE, (number,)).one_or_none()


def locked_row(connection: Connection, number: str) -> tuple[Row | None, Row]:
    """The case's row, if there is one, locked; and what has `case_turn` and `case_early_letter`, which may be without it."""
    row = connection.exec_driver_sql(_DOSSIER, (number,)).one_or_none()
    return row, row or connection.exec_driver_sql(_WITHOUT_CASE, (number,)).one()


def rows_of(listed: Sequence[dict[str, Any]] | None, table: Table) -> list[Row]:
    """The rows that `_listed` made JSON of, as they are in their table."""
    moments = [column.name for column in table.c if column.type.python_type is datetime]
    octets = [column.name for column in table.c if column.type.python_type is bytes]
    return [_typed(each, moments, octets) for each in listed or ()]


def _typed(values: dict[str, Any], moments: Sequence[str], octets: Sequence[str]) -> Row:
    for name in moments:
        values[name] = datetime.fromisoformat(values[name])
    for name in octets:
        if name in values:
            values[name] = bytes.fromhex(values[name].removeprefix("\\x"))
    return SimpleNamespace(**values)
